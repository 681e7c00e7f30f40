/** What the played server of `program.ts` does, by the command it is told to run. */
import { existsSync, writeSync } from "node:fs";
import type { CallScope } from "../../src/core/call-scope.ts";
import type { CommandRequest, CommandResult } from "../../src/core/command.ts";
import { SshMcpError, toSshMcpError } from "../../src/core/errors.ts";
import type { LoginQuestion } from "../../src/core/question.ts";

const encoder = new TextEncoder();

type Facts = Partial<CommandResult>;
type Play = (words: string[], request: CommandRequest, scope: CallScope) => Promise<Facts>;

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });

const say = (request: CommandRequest, text: string): Promise<void> => request.stdout.write(encoder.encode(text));

/** For a test that cannot see the output. */
const ready = (): void => {
  if (process.env["FAKE_READY"] !== undefined) writeSync(2, "ready\n");
};

const question = (kind: LoginQuestion["kind"], text: string, echo: boolean): LoginQuestion => ({
  wanted: "a password",
  connectCommand: "ssh-mcp connect user@host",
  kind,
  text,
  echo,
  destination: "user@host",
});

export const plays: Readonly<Record<string, Play>> = {
  echo: async (words, request) => {
    await say(request, `${words.join(" ")}\n`);
    return {};
  },
  err: async (words, request) => {
    await request.stderr.write(encoder.encode(`${words.join(" ")}\n`));
    return {};
  },
  bytes: async (_words, request) => {
    await request.stdout.write(Uint8Array.from({ length: 256 }, (_, index) => index));
    return {};
  },
  exit: async ([status = "0"]) => ({ exitCode: Number(status) }),
  kill: async ([signal = "TERM"]) => ({ outcome: "signaled", exitCode: null, signal }),
  cat: async (_words, { stdin, stdout }) => {
    for await (const chunk of stdin) await stdout.write(chunk);
    return {};
  },
  /** So many MiB, of which the reader can tell each byte. */
  flood: async ([mebibytes = "1"], { stdout, stderr }, { signal }) => {
    const block = Uint8Array.from({ length: 1024 * 1024 }, (_, index) => (index * 31 + (index >> 8)) & 255);
    ready();
    for (let sent = 0; sent < Number(mebibytes) && !signal.aborted; sent++) await stdout.write(block);
    await stderr.write(encoder.encode("flooded\n"));
    return {};
  },
  forever: async (_words, request, { signal }) => {
    await say(request, "ready\n");
    ready();
    await untilAborted(signal);
    return { outcome: "canceled", exitCode: null, stopped: "confirmed" };
  },
  /** Does not even end when it is told to. */
  stubborn: async (_words, request) => {
    await say(request, "ready\n");
    await new Promise(() => {});
    return {};
  },
  late: async () => ({ outcome: "timedOut", exitCode: null, stopped: "dispatched", durationMs: 2345 }),
  lost: async () => ({ outcome: "unknown", exitCode: null, reason: "the link broke" }),
  refuse: async ([code = "CONNECT_REFUSED"]) => {
    throw SshMcpError.fromRecord({ code, message: "host: \u001b[2Jrefused\nssh-mcp: all is well", hint: "ssh-mcp ls" });
  },
  password: async (_words, request, scope) => {
    const answer = await scope.ask(question("password", "\u001b]0;evil\u0007user@host's password:", false));
    await say(request, `got ${JSON.stringify(answer)}\n`);
    return {};
  },
  /** Another answers as soon as there is a file of this name. */
  elsewhere: async ([file = ""], request, scope) => {
    const withdrawal = new AbortController();
    const asked = scope.ask(question("password", "user@host's password:", false), withdrawal.signal);
    while (!existsSync(file)) await Bun.sleep(10);
    withdrawal.abort();
    const { code } = await asked.then(() => ({ code: "answered" }), toSshMcpError);
    if (code === "CANCELED") await say(request, "got it elsewhere\n");
    return {};
  },
  confirm: async (_words, request, scope) => {
    const answer = await scope.ask(question("host-key", "The key is new.\nGo on (yes/no)?", true));
    await say(request, `got ${JSON.stringify(answer)}\n`);
    return {};
  },
  /** A question, and then the rest of standard input. */
  login: async (words, request, scope) => {
    const first = await scope.ask(question("password", "Password:", false));
    const second = await scope.ask(question("keyboard-interactive", "Code:", false));
    await say(request, `got ${first} ${second}\n`);
    return (await plays["cat"]?.(words, request, scope)) ?? {};
  },
  /** The variables of the caller by these names. */
  variables: async (names, request, scope) => {
    await say(request, `${JSON.stringify(await scope.variables(names))}\n`);
    return {};
  },
  /** Says something beside the result, as it stands. */
  notice: async (words, request, scope) => {
    scope.notice(words.join(" ").replaceAll("ESC", "\u001b").replaceAll("NEWLINE", "\n"));
    await say(request, "done\n");
    return {};
  },
  caller: async (_words, request, { caller }) => {
    await say(request, `${JSON.stringify(caller)}\n`);
    return {};
  },
};
