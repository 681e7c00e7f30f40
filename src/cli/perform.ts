/** Runs one operation through the broker, with this process's streams, signals and terminal. */
import type { CallOptions } from "../broker/client.ts";
import { toSshMcpError } from "../core/errors.ts";
import { exitStatus, exitStatusOfError } from "../core/exit-status.ts";
import { placeOf } from "../core/place.ts";
import type { Sink } from "../core/session.ts";
import { keptBytes } from "./face-flags.ts";
import { type EndedCommand, endingOf } from "./outcome.ts";
import { BrokenPipe } from "./output.ts";
import type { Parsed } from "./parse.ts";
import type { Printer } from "./printer.ts";
import { textOf } from "./render.ts";
import { watchSignals } from "./signals.ts";
import { watchStop } from "./stop.ts";
import type { Broker, PausableInput, QuestionDevice, World } from "./world.ts";

type Run = Extract<Parsed, { kind: "run" }>;

const sessionEnds = "the session ends with this command; `ssh-mcp serve` keeps its sessions while it runs";

const leftAtOnce = "left at once; what runs on the server may go on";

/** The last word to a reader and the goodbye to servers are polite, but not worth waiting for. */
const farewellMs = 1000;

/**
 * @returns the exit status
 * @throws BrokenPipe when nobody reads standard output; SshMcpError LOCAL_IO when it cannot be written
 */
export const perform = async (run: Run, printer: Printer, world: World): Promise<number> => {
  const stop = new AbortController();
  const terminal = mayAsk(run, world) ? world.openTerminal() : null;
  const signals = watchSignals(
    () => stop.abort(),
    (status) => {
      terminal?.close();
      const said = printer.note(leftAtOnce);
      void Promise.race([said, Bun.sleep(farewellMs)]).then(() => world.exit(status));
    },
  );
  const patience = watchStop(stop.signal, () => {
    if (signals.status() === exitStatus.canceled) void printer.note("stopping; Ctrl-C again leaves at once");
  });
  let broker: Broker | null = null;
  const call = async (): Promise<number> => {
    broker = await world.openBroker();
    const result = await broker.client.call(callOptions(run, world, terminal, stop.signal));
    terminal?.close();
    const status = await finish(run, result, printer);
    if (run.command.operation.name === "connect" && !broker.keepsSessions) await printer.note(sessionEnds);
    return status;
  };
  try {
    const status = await Promise.race([call(), patience.exhausted]);
    return signals.status() ?? status;
  } catch (thrown) {
    terminal?.close();
    if (thrown instanceof BrokenPipe) throw thrown;
    const error = toSshMcpError(thrown);
    const said = printer.failure(error.toRecord());
    // Whoever wants us to end does not want us to wait for a reader that has stopped reading.
    await (signals.status() === null ? said : Promise.race([said, Bun.sleep(farewellMs)]));
    return signals.status() ?? exitStatusOfError(error.code, takesRemoteStatus(run));
  } finally {
    patience.end();
    await Promise.race([closed(broker), Bun.sleep(farewellMs)]);
    signals.release();
  }
};

const closed = async (broker: Broker | null): Promise<void> => broker?.close();

/** Commands whose exit status is the remote command's. */
export const takesRemoteStatus = ({ command }: Run): boolean => command.operation.streams === "pipe";

/** Nobody is asked who cannot answer, or should not: the broker then fails at once instead of waiting for ever. */
const mayAsk = ({ options }: Run, { env }: World): boolean =>
  !options.batch && env["CI"] !== "true" && env["CI"] !== "1";

const callOptions = (run: Run, world: World, terminal: QuestionDevice | null, signal: AbortSignal): CallOptions => {
  const { input, options } = run;
  const { operation } = run.command;
  const pipes = operation.streams === "pipe";
  return {
    operation: operation.name,
    input,
    caller: { face: "cli", client: "cli", ...placeOf(world) },
    capture: pipes && options.json ? keptBytes : null,
    signal,
    ...(pipes && !options.noStdin ? { stdin: world.stdin } : {}),
    ...(pipes && !options.json ? { stdout: world.stdout, stderr: unread(world.stderr) } : {}),
    ...(terminal === null ? {} : { ask: asking(terminal, world.stdin, signal) }),
  };
};

const asking =
  (terminal: QuestionDevice, stdin: PausableInput, signal: AbortSignal): NonNullable<CallOptions["ask"]> =>
  async (question) => {
    await stdin.pause();
    try {
      return await terminal.ask(question, signal);
    } finally {
      stdin.resume();
    }
  };

/** Messages that nobody wants are no reason to end a command whose output somebody reads. */
const unread = (stderr: Sink): Sink => ({
  write: async (chunk) => {
    try {
      await stderr.write(chunk);
    } catch (failure) {
      if (!(failure instanceof BrokenPipe)) throw failure;
    }
  },
});

const finish = async (run: Run, result: unknown, printer: Printer): Promise<number> => {
  const { command, input, options } = run;
  const remote = takesRemoteStatus(run);
  await printer.data(result, () => (remote ? "" : textOf(command.operation, result, options)));
  if (!remote) return exitStatus.ok;
  const timeout = typeof input["timeout"] === "number" ? input["timeout"] : undefined;
  const { status, message } = endingOf(result as EndedCommand, String(input[command.operation.target ?? ""]), timeout);
  if (message !== null) await printer.message(message);
  return status;
};
