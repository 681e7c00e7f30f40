/** The person's editor, as git(1) finds and runs it. */
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { World } from "../world.ts";

const usual = "vi";

/** May hold arguments: `code --wait`. */
export const editorOf = ({ env }: Pick<World, "env">): string => {
  const { VISUAL, EDITOR } = env;
  return [VISUAL, EDITOR].find((editor) => (editor ?? "").trim() !== "") ?? usual;
};

/** @throws SshMcpError USAGE where nobody could type */
export const needTerminal = async (world: Pick<World, "isTerminal">, hint: string): Promise<void> => {
  if ((await world.isTerminal(0)) && (await world.isTerminal(1))) return;
  throw new SshMcpError("USAGE", "an editor needs a terminal, and standard input or output is none", { hint });
};

/**
 * Runs it on a file, in this terminal. Ctrl-C and Ctrl-\ are the editor's meanwhile.
 * @returns whether it ended well
 * @throws SshMcpError LOCAL_IO when it cannot be started
 */
export const runEditor = async (editor: string, path: string): Promise<boolean> => {
  const ignore = (): void => undefined;
  for (const signal of ["SIGINT", "SIGQUIT"] as const) process.on(signal, ignore);
  try {
    const child = Bun.spawn(["/bin/sh", "-c", `${editor} "$@"`, editor, path], {
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    });
    return (await child.exited) === 0;
  } catch (cause) {
    throw new SshMcpError("LOCAL_IO", `the editor ${shown(editor)} cannot be started`, { cause });
  } finally {
    for (const signal of ["SIGINT", "SIGQUIT"] as const) process.off(signal, ignore);
  }
};
