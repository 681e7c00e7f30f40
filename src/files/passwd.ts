import { readFileSync } from "node:fs";

/** One line of passwd(5). */
export interface Account {
  name: string;
  uid: number;
  gid: number;
  home: string;
}

/** The accounts of /etc/passwd; those of a directory service are not among them. Empty when it cannot be read. */
export const accounts = (file = "/etc/passwd"): Account[] =>
  fields(file).flatMap(([name, , uid, gid, , home]) =>
    name && home ? [{ name, uid: Number(uid), gid: Number(gid), home }] : [],
  );

/** The names group(5) lists as members of a group; null when /etc/group does not hold it. */
export const groupMembers = (gid: number, file = "/etc/group"): string[] | null => {
  const line = fields(file).find(([name, , id]) => name && Number(id) === gid);
  return line === undefined ? null : (line[3] ?? "").split(",").filter((member) => member !== "");
};

const fields = (file: string): string[][] => {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return [];
  }
  return text.split("\n").map((line) => line.split(":"));
};

/**
 * The login name of the running process, from its uid. Bun's os.userInfo() says `unknown` without $USER, and $USER
 * may name whoever ran sudo: neither is what ssh logs in as by default.
 */
export const localUser = (): string => {
  known ??= lookUpLocalUser();
  return known;
};

/** A process keeps its uid, and asking id(1) again would stop everything else for as long as a directory service takes. */
let known: string | null = null;

const lookUpLocalUser = (): string => {
  const uid = process.getuid?.();
  const account = accounts().find((one) => one.uid === uid);
  if (account !== undefined) return account.name;
  // Accounts of a directory service, and every macOS account: getpwuid(3) is behind id(1) everywhere.
  const id = Bun.spawnSync(["/usr/bin/id", "-un"], { stdin: "ignore", stderr: "ignore" });
  const name = id.stdout.toString().trim();
  return id.success && name !== "" ? name : (process.env["USER"] ?? "");
};
