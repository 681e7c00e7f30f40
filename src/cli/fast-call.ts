/** A plain `exec` whose answer is no plain one, see `quick-answer.ts`: its streams, its questions and its end, as `perform.ts` has them. */
import { NotAccepted, NotAnswering } from "../broker/client/call-errors.ts";
import { BrokerClient, type CallOptions } from "../broker/client/client.ts";
import { SshMcpError } from "../core/errors.ts";
import { exitStatus, exitStatusOfCommand } from "../core/exit-status.ts";
import { quickFiles } from "../files/quick-files.ts";
import { asking } from "./asking.ts";
import { conduct } from "./conduct.ts";
import type { SentExec } from "./fast.ts";
import { Input } from "./input.ts";
import { LazyCommandTerminal } from "./lazy-command-terminal.ts";
import { LazyTerminal } from "./lazy-terminal.ts";
import type { EndedCommand } from "./outcome.ts";
import { BrokenPipe, Output } from "./output.ts";
import { Printer } from "./printer.ts";
import { unread } from "./unread.ts";

/** @returns the exit status; null when the broker went before it accepted: nothing was run, and nothing of standard input was read */
export const followUp = async (sent: SentExec): Promise<number | null> => {
  const { env } = process;
  const stdin = new Input(0);
  const stdout = new Output(1, "standard output");
  const stderr = new Output(2, "standard error");
  const isTerminal = async (fd: 1 | 2) => (await import("node:tty")).isatty(fd);
  const printer = new Printer({ stdout, stderr, env, isTerminal }, false);
  const terminal = sent.asker === null ? null : new LazyTerminal(sent.asker);
  const screen = new LazyCommandTerminal(env["TERM"]);
  // A device that is not /dev/null: only there it takes a look at what passes.
  const shown = [1, 2].some((fd) => quickFiles().kindOf(fd) === "other")
    ? await (await import("./guarded.ts")).guardedStreams({ stdout, stderr }, isTerminal, () => screen.isHandedOver)
    : null;
  // What comes is held until here; from here on it is lost unless the call is known, which nothing may keep waiting.
  const client = new BrokerClient(sent.transport, {
    place: null,
    isStopped: async () => (await aboutSilence()).isStopped(),
  });
  let accepted = true;
  const work: Parameters<typeof conduct>[0] = async ({ signal, say }) => {
    const { target, command, caller } = sent;
    const options: CallOptions = {
      operation: "exec",
      input: { target, command },
      caller,
      capture: null,
      signal,
      environment: env,
      terminal: screen.begin,
      notice: say,
      stdin: sent.ended ? saidAlready : stdin,
      stdout: shown?.stdout ?? stdout,
      stderr: unread(shown?.stderr ?? stderr),
      ...(terminal === null ? {} : { ask: asking(terminal, stdin, signal) }),
    };
    try {
      const result = await resultOf(client, sent, options);
      await shown?.end();
      screen.close();
      return await finish(result, target, printer);
    } catch (thrown) {
      if (thrown instanceof NotAnswering) throw (await aboutSilence()).explained(thrown);
      if (!(thrown instanceof NotAccepted)) throw thrown;
      // Whoever has canceled does not want it to be tried again.
      if (signal.aborted) throw new SshMcpError("CANCELED", "exec was canceled before it began");
      accepted = false;
      return exitStatus.ours;
    }
  };
  const close = async () => client.close();
  const exit = (status: number) => process.exit(status);
  try {
    const status = await conduct(work, {
      printer,
      terminals: [screen, ...(terminal === null ? [] : [terminal])],
      remoteStatus: true,
      close,
      exit,
      ...(sent.watch === null ? {} : { watch: sent.watch }),
    });
    return accepted ? status : null;
  } catch (thrown) {
    if (thrown instanceof BrokenPipe) return exitStatus.brokenPipe;
    throw thrown;
  }
};

/** An input whose end was sent: nothing comes of it any more, and no second end. */
const saidAlready: AsyncIterable<Uint8Array> = {
  [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => undefined) }),
};

/** Loaded when there is silence. */
const aboutSilence = async () => {
  const [{ brokerPlace }, { explained, isStopped }] = await Promise.all([
    import("../files/broker-place.ts"),
    import("../broker/client/silence.ts"),
  ]);
  const place = brokerPlace();
  return { explained: (thrown: unknown) => explained(place, thrown), isStopped: () => isStopped(place) };
};

const resultOf = async (client: BrokerClient, sent: SentExec, options: CallOptions): Promise<EndedCommand> => {
  const { transport, call, held, closed } = sent;
  const result = client.sent(call, options);
  for (const bytes of held.splice(0)) transport.onData(bytes);
  if (closed) transport.onClose();
  return (await result) as EndedCommand;
};

const finish = async (result: EndedCommand, target: string, printer: Printer): Promise<number> => {
  if (result.outcome === "exited") return exitStatusOfCommand(result);
  const { endingOf } = await import("./outcome.ts");
  const { status, message } = endingOf(result, target, undefined);
  if (message !== null) await printer.message(message);
  return status;
};
