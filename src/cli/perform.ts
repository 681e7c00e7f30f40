/** Runs one operation through the broker, with this process's streams, signals and terminal. */
import type { CallOptions } from "../broker/client/client.ts";
import { SshMcpError } from "../core/errors.ts";
import { exitStatus } from "../core/exit-status.ts";
import { placeOf } from "../core/place.ts";
import { allPages } from "./all-pages.ts";
import { askerFor, asking } from "./asking.ts";
import { hasRemoteStatus } from "./command.ts";
import { type Conditions, type Conduct, conduct } from "./conduct.ts";
import { copiesFiles, keptBytes, needsBroker, printsOutput } from "./face-flags.ts";
import { LazyCommandTerminal } from "./lazy-command-terminal.ts";
import { type EndedCommand, endingOf } from "./outcome.ts";
import type { Parsed } from "./parse.ts";
import type { Printer } from "./printer.ts";
import type { TransferView } from "./progress/transfer-view.ts";
import { textOf } from "./render.ts";
import { secretFrom } from "./secret-input.ts";
import { unread } from "./unread.ts";
import type { Broker, QuestionDevice, World } from "./world.ts";

type Run = Extract<Parsed, { kind: "run" }>;

const sessionEnds = "the session ends with this command: no broker keeps it";

/**
 * @param watch as `conduct` takes it
 * @returns the exit status
 * @throws BrokenPipe when nobody reads standard output; SshMcpError LOCAL_IO when it cannot be written
 */
export const perform = async (run: Run, usual: Printer, world: World, watch?: Conditions["watch"]): Promise<number> => {
  const view = await transferView(run, usual, world);
  const printer = view?.printer ?? usual;
  const terminal = await questionDevice(run, world);
  const screen = new LazyCommandTerminal(world.env["TERM"]);
  let broker: Broker | null = null;
  const work = async ({ signal, say }: Conduct): Promise<number> => {
    broker = await world.openBroker({ noBroker: run.options.noBroker });
    for (const note of broker.notes) say(note);
    if (!broker.keepsSessions && needsBroker(run.command.operation)) throw nothingKept(run);
    refuseUnkept(run, broker);
    const shown = await shownStreams(run, world, screen);
    const usualOptions = callOptions(await withJobInput(run, world), shown, terminal, signal);
    const asked = view?.around(usualOptions) ?? usualOptions;
    const { client } = broker;
    const result = await allPages(run, (changes) =>
      client.call({ ...asked, input: { ...run.input, ...changes }, terminal: screen.begin, notice: say }),
    );
    await shown.end();
    putBack();
    sayKept(run, result, say);
    const status = await finish(run, result, printer, world, view);
    if (run.command.operation.name === "connect" && !broker.keepsSessions) say(sessionEnds);
    return status;
  };
  const terminals = [screen, ...(terminal === null ? [] : [terminal]), ...(view === null ? [] : [view])];
  const putBack = (): void => {
    for (const one of terminals) one.close();
  };
  const close = async () => broker?.close();
  return await conduct(work, {
    ...{ printer, terminals, close, exit: world.exit, remoteStatus: takesRemoteStatus(run) },
    ...(watch === undefined ? {} : { watch }),
  });
};

/** Null for what copies nothing. */
const transferView = async (run: Run, printer: Printer, world: World): Promise<TransferView | null> => {
  if (!copiesFiles(run.command.operation)) return null;
  const { TransferView } = await import("./progress/transfer-view.ts");
  return await TransferView.open(run, printer, world);
};

/** The world with its terminals guarded from the output of a command that has none of its own. */
const shownStreams = async (
  { command, input, options }: Run,
  world: World,
  screen: LazyCommandTerminal,
): Promise<World & { end(): Promise<void> }> => {
  if (!printsOutput(command.operation) || options.json || options.raw || input["pty"] === true)
    return { ...world, end: async () => {} };
  const { guardedStreams } = await import("./guarded.ts");
  return {
    ...world,
    ...(await guardedStreams(
      world,
      (fd) => world.isTerminal(fd),
      () => screen.isHandedOver,
    )),
  };
};

/** A job has all of its input before it begins: a terminal, which never ends by itself, gives it none. */
const withJobInput = async (run: Run, world: World): Promise<Run> =>
  run.input["onTimeout"] !== undefined && (await world.isTerminal(0))
    ? { ...run, options: { ...run.options, noStdin: true } }
    : run;

/** @throws SshMcpError BROKER_UNAVAILABLE when outputs are to be kept, and nobody is there who would */
export const refuseUnkept = (run: Run, { keepsSessions }: Broker): void => {
  if (!keepsSessions && run.input["keep"] === true) throw nothingKept(run);
};

/** What was asked for is of no use without its name. */
export const sayKept = ({ input, options }: Run, result: unknown, say: Conduct["say"]): void => {
  if (input["keep"] !== true || options.json) return;
  const { outputId } = result as { outputId: string | null };
  say(
    outputId === null ? "the output was too much to be kept beside others" : `output kept: ssh-mcp output ${outputId}`,
  );
};

/** What a person may pipe a secret into. */
const takesSecret: ReadonlySet<string> = new Set(["secret-set", "sudo"]);

/** Who answers for the caller; null for nobody. */
export const questionDevice = async (
  { command: { operation }, options: { batch } }: Run,
  world: World,
): Promise<QuestionDevice | null> => {
  if (takesSecret.has(operation.name) && !(await world.isTerminal(0))) return secretFrom(world.stdin);
  const opened: QuestionDevice[] = [];
  const asker = askerFor(batch, world.env, () => {
    const terminal = opened[0] ?? world.openTerminal();
    if (terminal !== null && opened.length === 0) opened.push(terminal);
    return terminal !== null;
  });
  if (asker?.kind === "terminal") return opened[0] ?? null;
  for (const terminal of opened) terminal.close();
  return asker === null ? null : world.openAskpass(asker.program);
};

const nothingKept = ({ command: { name, operation } }: Run): SshMcpError => {
  const what =
    operation.streams === "pipe" ? "--keep is for the broker" : `${name} changes the sessions the broker keeps`;
  return new SshMcpError("BROKER_UNAVAILABLE", `${what}, and there is no broker`, { hint: "ssh-mcp broker status" });
};

/** Commands whose exit status is the remote command's. */
export const takesRemoteStatus = ({ command: { operation } }: Run): boolean => hasRemoteStatus(operation);

/** What a call is made with, whatever becomes of its streams. */
export const callOptions = (
  run: Run,
  world: World,
  terminal: QuestionDevice | null,
  signal: AbortSignal,
): CallOptions => {
  const { input, options } = run;
  const { operation } = run.command;
  const pipes = operation.streams === "pipe";
  const prints = printsOutput(operation) && !options.json;
  const reads = operation.streams === "input" || (pipes && !options.noStdin);
  return {
    operation: operation.name,
    input,
    caller: { face: "cli", client: "cli", ...placeOf(world) },
    capture: printsOutput(operation) && options.json ? keptBytes : null,
    repeatable: operation.idempotent,
    signal,
    environment: world.env,
    ...(reads ? { stdin: world.stdin } : {}),
    ...(prints ? { stdout: world.stdout, stderr: unread(world.stderr) } : {}),
    ...(terminal === null ? {} : { ask: asking(terminal, world.stdin, signal) }),
  };
};

const finish = async (
  run: Run,
  result: unknown,
  printer: Printer,
  world: World,
  view: TransferView | null,
): Promise<number> => {
  const { command, input, options } = run;
  const remote = takesRemoteStatus(run);
  const isStreamed = printsOutput(command.operation);
  if (view !== null) await view.conclude(result as Parameters<TransferView["conclude"]>[0]);
  else await printer.data(result, () => (isStreamed ? "" : textOf(command.operation, result, options, world)));
  if (!remote) return command.operation.succeeded?.(result as never) === false ? exitStatus.failed : exitStatus.ok;
  const timeout = typeof input["timeout"] === "number" ? input["timeout"] : undefined;
  const { status, message } = endingOf(result as EndedCommand, String(input[command.operation.target ?? ""]), timeout);
  if (message !== null) await printer.message(message);
  return status;
};
