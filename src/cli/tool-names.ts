import type { Command } from "./command.ts";

/** Descriptions are written once, with the names of tools; a person at a shell types commands: `ssh_sessions` becomes `ls`. */
export const toolNamesAsCommands = (text: string, commands: readonly Command[]): string =>
  commands.reduce(
    (result, { name, operation }) => result.replaceAll(new RegExp(`\\b${operation.tool}\\b`, "g"), name),
    text,
  );
