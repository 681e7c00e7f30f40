import { posix } from "node:path";
import { quoteWord } from "../../core/quote.ts";
import { accounts } from "../../files/passwd.ts";

/**
 * What a command that a person is to type must begin with so that it reaches this broker: `SSH_MCP_DIR=… `, quoted for a shell, when the base
 * directory is not the one that a login shell of this user would find. Empty otherwise.
 */
export const hintPrefix = (base: string): string => {
  const uid = process.getuid?.();
  const account = accounts().find((one) => one.uid === uid);
  // An account of a directory service: nothing says that it is another place.
  if (account === undefined || posix.join(account.home, ".ssh-mcp") === base) return "";
  return `SSH_MCP_DIR=${quoteWord(base)} `;
};
