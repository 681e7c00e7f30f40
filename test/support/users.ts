import { readFileSync } from "node:fs";
import { onCleanup } from "./cleanup.ts";
import { mustRun, runCommand } from "./command.ts";
import { endProcesses, isAlive, ofUser, signal } from "./processes.ts";
import { waitFor } from "./wait.ts";

export interface TemporaryUser {
  readonly name: string;
  readonly password: string;
  readonly uid: number;
  readonly home: string;
  /** Ends the user's processes and removes the account with its home. Cleanup does this too. */
  remove(): Promise<void>;
}

const prefix = "ssh-mcp-";
let made = 0;

export interface UserOptions {
  /** Its login shell; /bin/bash by default. */
  shell?: string;
  /** Random by default. */
  password?: string;
  /** Another name for uid 0, with a home of its own: for a server that takes root's keys from root's home alone. */
  superuser?: boolean;
}

/**
 * Makes a system user, for logins with a password and for everything that must not be root.
 * @throws Error when this process is not root
 */
export const makeUser = async (options: UserOptions = {}): Promise<TemporaryUser> => {
  const { shell = "/bin/bash", password = crypto.randomUUID(), superuser = false } = options;
  if (process.getuid?.() !== 0) throw new Error("a temporary user can only be made as root: run the tests as root");
  await removeForgotten();
  const name = `${prefix}${process.pid}-${++made}`;
  const uid = superuser ? ["--non-unique", "--uid", "0"] : [];
  await mustRun(["useradd", "--create-home", "--shell", shell, ...uid, name]);
  const remove = onCleanup(
    () => removeUser(name),
    () => removeUserNow(name),
  );
  // Without a password the account counts as locked, and sshd refuses even its keys: sshd(8), AUTHENTICATION.
  await mustRun(["chpasswd"], { stdin: `${name}:${password}\n` });
  const account = accounts().find((each) => each.name === name);
  if (account === undefined) throw new Error(`useradd made no ${name}`);
  return { ...account, password, remove };
};

/** userdel(8), EXIT VALUES. */
const inUse = 8;

const removeUser = async (name: string): Promise<void> => {
  const account = accounts().find((each) => each.name === name);
  if (account === undefined) return;
  const remove = ["userdel", "--remove", ...(account.uid === 0 ? ["--force"] : []), name];
  // userdel counts every process of root as one of its other name; only then must it be told not to mind.
  if (account.uid === 0) {
    await mustRun(remove);
    return;
  }
  // An sshd that is on its way down may begin a last process after those that are known were ended.
  await waitFor(
    async () => {
      await endProcesses(ofUser(account.uid));
      const { status, stderr } = await runCommand(remove);
      if (status !== 0 && status !== inUse) throw new Error(`${remove.join(" ")}: status ${status}: ${stderr.trim()}`);
      return status === 0;
    },
    { what: `${name} to be removed` },
  );
};

/** The same while this process is going down, when nothing can be awaited. */
const removeUserNow = (name: string): void => {
  const account = accounts().find((each) => each.name === name);
  if (account === undefined) return;
  if (account.uid !== 0) for (const pid of ofUser(account.uid)) signal(pid, "SIGKILL");
  Bun.spawnSync(["userdel", "--remove", "--force", name]);
};

/** A test process that was killed outright left its users behind; their names hold its pid. */
const removeForgotten = async (): Promise<void> => {
  for (const { name } of accounts()) {
    const owner = new RegExp(`^${prefix}(\\d+)-\\d+$`).exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) await removeUser(name);
  }
};

const accounts = (): { name: string; uid: number; home: string }[] =>
  readFileSync("/etc/passwd", "utf8")
    .split("\n")
    .map((line) => line.split(":"))
    .map(([name = "", , uid = "", , , home = ""]) => ({ name, uid: Number(uid), home }));
