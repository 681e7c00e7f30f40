import { accounts } from "./passwd.ts";

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The user's home directory: $HOME when it is an absolute path, else the passwd entry's. */
export const homeDirectory = (env: Environment = process.env): string => {
  const home = env["HOME"];
  if (home?.startsWith("/")) return home;
  const uid = process.getuid?.();
  return accounts().find((account) => account.uid === uid)?.home ?? homeOfDirectoryService();
};

/** Only then: node:os takes a third of a millisecond to load. */
const homeOfDirectoryService = (): string => {
  const { userInfo }: typeof import("node:os") = require("node:os");
  return userInfo().homedir;
};

/**
 * A leading `~` or `~user` replaced by that home directory, as tilde_expand in
 * OpenSSH does: slashes after it count as one.
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
