/** Who is asked for what only a person can answer, and how: shared by every way to run a command. */
import type { CallOptions } from "../broker/client/client.ts";
import { isInBackground } from "../files/background.ts";
import { quickFiles } from "../files/quick-files.ts";
import type { PausableInput, QuestionDevice } from "./world.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a question goes: to the terminal, or to a program of SSH_ASKPASS. */
export type Asker = { kind: "terminal" } | { kind: "program"; program: string };

/**
 * Nobody is asked who cannot answer, or should not: the broker then fails at once instead of waiting for ever. A program is asked where ssh(1)
 * asks it: instead of a terminal that is not there, or that SSH_ASKPASS_REQUIRE does not want.
 * @param batch whether nobody is to be asked at all
 */
export const askerFor = (batch: boolean, env: Environment, hasTerminal: () => boolean): Asker | null => {
  if (batch) return null;
  const wish = (env["SSH_ASKPASS_REQUIRE"] ?? "").toLowerCase();
  const isAlone = env["CI"] === "true" || env["CI"] === "1";
  const hasDisplay = env["DISPLAY"] !== undefined || env["WAYLAND_DISPLAY"] !== undefined;
  const forced = wish === "force" || (wish === "prefer" && hasDisplay);
  if (!forced && isAlone) return null;
  if (forced || (wish !== "never" && hasDisplay && !hasTerminal())) {
    const program = askpassProgram(env);
    return program === null ? null : { kind: "program", program };
  }
  // In the background the question would stop the whole job, as it does to ssh, until somebody looks why nothing comes of it.
  return !isInBackground() && hasTerminal() ? { kind: "terminal" } : null;
};

/** Where systems have it that name none: Debian, Fedora, Arch, and OpenSSH itself. */
const usualPrograms = [
  "/usr/bin/ssh-askpass",
  "/usr/libexec/openssh/ssh-askpass",
  "/usr/lib/ssh/ssh-askpass",
  "/usr/X11R6/bin/ssh-askpass",
];

const askpassProgram = (env: Environment): string | null =>
  env["SSH_ASKPASS"] || (usualPrograms.find((path) => quickFiles().look(path) !== null) ?? null);

/** Asks at the terminal; while it does, nothing is read of standard input, which may be the same keyboard. */
export const asking =
  (terminal: QuestionDevice, stdin: PausableInput, signal: AbortSignal): NonNullable<CallOptions["ask"]> =>
  async (question, withdrawn) => {
    await stdin.pause();
    try {
      return await terminal.ask(question, signal, withdrawn);
    } finally {
      stdin.resume();
    }
  };
