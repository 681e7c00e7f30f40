import { userInfo } from "node:os";
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import { accounts } from "./passwd.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** The user's home directory: $HOME when it is an absolute path, else the passwd entry's. */
export const homeDirectory = (env: Environment = process.env): string => {
  const home = env["HOME"];
  if (home?.startsWith("/")) return home;
  const uid = process.getuid?.();
  return accounts().find((account) => account.uid === uid)?.home ?? userInfo().homedir;
};

/**
 * Where records, config, audit log and the broker's socket lie: $SSH_MCP_DIR, else `.ssh-mcp` in the home directory.
 * @throws SshMcpError CONFIG_INVALID when $SSH_MCP_DIR is relative: an editor and a shell would mean two places
 */
export const baseDirectory = (env: Environment, home: string): string => {
  const configured = env["SSH_MCP_DIR"];
  if (configured === undefined || configured === "") return `${withoutSlash(home)}/.ssh-mcp`;
  if (configured.startsWith("/")) return configured;
  throw new SshMcpError("CONFIG_INVALID", `SSH_MCP_DIR must be an absolute path, and is ${shown(configured)}`, {
    hint: `export SSH_MCP_DIR="$HOME/.ssh-mcp"`,
  });
};

/**
 * A leading `~` or `~user` replaced by that home directory, as tilde_expand in OpenSSH does: slashes after it count as one.
 * @returns null when there is no such user
 */
export const expandTilde = (path: string, home: string): string | null => {
  const parts = /^~([^/]*)(?:\/+(.*))?$/s.exec(path);
  if (parts === null) return path;
  const [, user = "", rest = ""] = parts;
  const base = user === "" ? home : accounts().find((account) => account.name === user)?.home;
  return base === undefined ? null : `${withoutSlash(base)}/${rest}`;
};

const withoutSlash = (path: string): string => path.replace(/\/$/, "");
