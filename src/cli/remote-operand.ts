/** Words that name files on a server, `TARGET:PATH`, where an operation takes target and path as two fields. */
import { type SshMcpError, toSshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import { parseOperand } from "../core/files/operand.ts";
import { quoteWord } from "../core/quote.ts";
import type { Command } from "./command.ts";
import { helpCommand, usageError } from "./usage.ts";

interface RemoteOperand {
  target: string;
  /** Empty for the home directory. */
  path: string;
}

/** Whether a word has the form of one. */
export const isRemote = (word: string): boolean => {
  try {
    return parseOperand(word).kind === "remote";
  } catch {
    return false;
  }
};

/** @throws SshMcpError USAGE for a word that names nothing on a server */
export const remoteOperand = (command: Command, word: string): RemoteOperand => {
  const operand = parsed(command, word);
  switch (operand.kind) {
    case "remote":
      return { target: operand.target, path: operand.path };
    case "stream":
      throw usageError(
        `${command.name} takes a path on a server, TARGET:PATH, and no stream: "-"`,
        helpCommand(command),
      );
    case "local":
      throw withoutTarget(command, word);
  }
};

/**
 * Several paths of one server: an operation runs on one.
 * @throws SshMcpError USAGE for a second server too
 */
export const remoteOperands = (command: Command, words: readonly string[]): { target: string; paths: string[] } => {
  const operands = words.map((word) => remoteOperand(command, word));
  const target = operands[0]?.target ?? "";
  const other = operands.find((operand) => operand.target !== target);
  if (other === undefined) return { target, paths: operands.map(({ path }) => path) };
  const message = `${command.name} works on one server at a time, not on ${shown(target)} and ${shown(other.target)}`;
  throw usageError(
    message,
    command.name === "mv" ? `ssh-mcp cp ${words.map(quoteWord).join(" ")}` : helpCommand(command),
  );
};

const parsed = (command: Command, word: string): ReturnType<typeof parseOperand> => {
  try {
    return parseOperand(word);
  } catch (thrown) {
    throw usageError(`${command.name}: ${toSshMcpError(thrown).message}`, helpCommand(command));
  }
};

const withoutTarget = ({ name }: Command, word: string): SshMcpError => {
  // Who lists a session's name means the files of its home directory.
  const isName = name === "ls" && !word.includes("/") && !word.startsWith("-") && !word.startsWith("~");
  if (isName && /^@[^:]+$/.test(word)) {
    return usageError(
      `${name} lists the files of TARGET:PATH; the hosts of a group, with their sessions, are another list`,
      `ssh-mcp hosts ${quoteWord(word)}`,
    );
  }
  const meant = isName ? `${word}:` : `TARGET:${word}`;
  return usageError(
    `${name} takes a path on a server, TARGET:PATH: there is no colon in ${shown(word)}`,
    `ssh-mcp ${name} ${quoteWord(meant)}`,
  );
};
