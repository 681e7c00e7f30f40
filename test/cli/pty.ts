/** A person at a terminal: a shell line on a pseudo-terminal of its own, typed to and read. */
import { onCleanup } from "../support/cleanup.ts";
import { cleanEnv } from "../support/command.ts";
import { tempDir } from "../support/temp.ts";
import { waitFor } from "../support/wait.ts";
import { program } from "./driver.ts";

/** ECHO in c_lflag: termios(3), Linux and the BSDs. */
const echoFlag = 0o10;

export interface Pty {
  /** Everything shown so far. */
  screen(): string;
  /** Resolves when the text is on the screen. @throws Error with the screen */
  shows(text: string): Promise<void>;
  type(text: string): void;
  /** Whether what is typed is shown now. */
  echoes(): boolean;
  /** Takes the terminal away, as closing its window does. */
  hangUp(): void;
  exited: Promise<number>;
}

/** Runs a line of bash, in which `$S` is the program, on a new terminal. */
export const openPty = (line: string, env: Readonly<Record<string, string>> = {}): Pty => {
  let screen = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn(["bash", "-c", `S='${program.join(" ")}'; ${line}`], {
    // Made here, and not handed over, it becomes the controlling terminal: what /dev/tty is.
    terminal: {
      data: (_terminal, bytes) => {
        screen += decoder.decode(bytes, { stream: true });
      },
    },
    cwd: tempDir("pty"),
    env: { ...cleanEnv, TERM: "dumb", ...env },
  });
  const { terminal } = child;
  if (terminal === undefined) throw new Error("no pseudo-terminal");
  onCleanup(
    async () => {
      child.kill("SIGKILL");
      await child.exited;
      terminal.close();
    },
    () => child.kill("SIGKILL"),
  );
  return {
    screen: () => screen,
    shows: async (text) => {
      try {
        await waitFor(() => screen.includes(text), { what: JSON.stringify(text) });
      } catch (failure) {
        throw new Error(
          `${failure instanceof Error ? failure.message : failure}; the screen: ${JSON.stringify(screen)}`,
        );
      }
    },
    type: (text) => {
      terminal.write(text);
    },
    echoes: () => (terminal.localFlags & echoFlag) !== 0,
    hangUp: () => terminal.close(),
    exited: child.exited,
  };
};
