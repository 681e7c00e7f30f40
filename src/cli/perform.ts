/** Runs one operation through the broker, with this process's streams, signals and terminal. */
import type { CallOptions } from "../broker/client/client.ts";
import { SshMcpError } from "../core/errors.ts";
import { exitStatus } from "../core/exit-status.ts";
import { placeOf } from "../core/place.ts";
import { askerFor, asking } from "./asking.ts";
import { type Conduct, conduct } from "./conduct.ts";
import { keptBytes, needsBroker } from "./face-flags.ts";
import { LazyCommandTerminal } from "./lazy-command-terminal.ts";
import { type EndedCommand, endingOf } from "./outcome.ts";
import type { Parsed } from "./parse.ts";
import type { Printer } from "./printer.ts";
import { textOf } from "./render.ts";
import { secretFrom } from "./secret-input.ts";
import { unread } from "./unread.ts";
import type { Broker, QuestionDevice, World } from "./world.ts";

type Run = Extract<Parsed, { kind: "run" }>;

const sessionEnds = "the session ends with this command: no broker keeps it";

/**
 * @returns the exit status
 * @throws BrokenPipe when nobody reads standard output; SshMcpError LOCAL_IO when it cannot be written
 */
export const perform = async (run: Run, printer: Printer, world: World): Promise<number> => {
  const terminal = await questionDevice(run, world);
  const screen = new LazyCommandTerminal(world.env["TERM"]);
  let broker: Broker | null = null;
  const work = async ({ signal, say }: Conduct): Promise<number> => {
    broker = await world.openBroker({ noBroker: run.options.noBroker });
    for (const note of broker.notes) say(note);
    if (!broker.keepsSessions && needsBroker(run.command.operation)) throw nothingKept(run);
    const result = await broker.client.call({
      ...callOptions(run, world, terminal, signal),
      terminal: screen.begin,
      notice: say,
    });
    putBack();
    const status = await finish(run, result, printer, world);
    if (run.command.operation.name === "connect" && !broker.keepsSessions) say(sessionEnds);
    return status;
  };
  const terminals = [screen, ...(terminal === null ? [] : [terminal])];
  const putBack = (): void => {
    for (const one of terminals) one.close();
  };
  const close = async () => broker?.close();
  return await conduct(work, { printer, terminals, remoteStatus: takesRemoteStatus(run), close, exit: world.exit });
};

/** Who answers for the caller; null for nobody. */
const questionDevice = async (
  { command: { operation }, options: { batch } }: Run,
  world: World,
): Promise<QuestionDevice | null> => {
  if (operation.name === "secret-set" && !(await world.isTerminal(0))) return secretFrom(world.stdin);
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

const nothingKept = ({ command: { name } }: Run): SshMcpError =>
  new SshMcpError("BROKER_UNAVAILABLE", `${name} changes the sessions the broker keeps, and there is no broker`, {
    hint: "ssh-mcp broker status",
  });

/** Commands whose exit status is the remote command's. */
export const takesRemoteStatus = ({ command }: Run): boolean => command.operation.streams === "pipe";

const callOptions = (run: Run, world: World, terminal: QuestionDevice | null, signal: AbortSignal): CallOptions => {
  const { input, options } = run;
  const { operation } = run.command;
  const pipes = operation.streams === "pipe";
  return {
    operation: operation.name,
    input,
    caller: { face: "cli", client: "cli", ...placeOf(world) },
    capture: pipes && options.json ? keptBytes : null,
    repeatable: operation.idempotent,
    signal,
    environment: world.env,
    ...(pipes && !options.noStdin ? { stdin: world.stdin } : {}),
    ...(pipes && !options.json ? { stdout: world.stdout, stderr: unread(world.stderr) } : {}),
    ...(terminal === null ? {} : { ask: asking(terminal, world.stdin, signal) }),
  };
};

const finish = async (run: Run, result: unknown, printer: Printer, world: World): Promise<number> => {
  const { command, input, options } = run;
  const remote = takesRemoteStatus(run);
  await printer.data(result, () => (remote ? "" : textOf(command.operation, result, options, world)));
  if (!remote) return exitStatus.ok;
  const timeout = typeof input["timeout"] === "number" ? input["timeout"] : undefined;
  const { status, message } = endingOf(result as EndedCommand, String(input[command.operation.target ?? ""]), timeout);
  if (message !== null) await printer.message(message);
  return status;
};
