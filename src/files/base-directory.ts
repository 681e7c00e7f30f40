/** The one directory of ssh-mcp. On the client's warm path: no package, no read. */
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import { tidyPath } from "./path-text.ts";
import { type Environment, homeDirectory } from "./paths.ts";

/**
 * `$SSH_MCP_DIR`, else `~/.ssh-mcp`. Neither XDG nor TMPDIR: an editor and a shell, whose environments differ, must agree on it.
 * An empty variable is an unset one. Slashes and `..` are taken out by the text alone, symbolic links are not looked at.
 * @throws SshMcpError INVALID_INPUT for a relative path, or for `/`
 */
export const baseDirectory = (env: Environment = process.env): string => {
  const given = env["SSH_MCP_DIR"] ?? "";
  if (given === "") return tidyPath(`${homeDirectory(env)}/.ssh-mcp`);
  if (!given.startsWith("/"))
    throw notADirectory(given, "a relative path would be another directory from another place");
  const base = tidyPath(given);
  if (base === "/") throw notADirectory(given, "it needs a directory of its own");
  return base;
};

const notADirectory = (given: string, reason: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", `SSH_MCP_DIR is ${shown(given)}: ${reason}`, {
    hint: 'export SSH_MCP_DIR="$HOME/.ssh-mcp"',
  });
