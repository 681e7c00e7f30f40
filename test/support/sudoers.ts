/** Rules of sudo(8) for the users of a test: a file in /etc/sudoers.d that is gone with the test. */
import { chmodSync, existsSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { onCleanup } from "./cleanup.ts";
import { mustRun } from "./command.ts";
import { isAlive } from "./processes.ts";

const folder = "/etc/sudoers.d";
const prefix = "ssh-mcp-test-";
let made = 0;

/**
 * @param lines of sudoers(5)
 * @throws Error when this process is not root, there is no sudo, or the lines are not right
 */
export const allowSudo = async (lines: readonly string[]): Promise<void> => {
  if (!existsSync("/usr/bin/sudo")) throw new Error("sudo is not installed: apt-get install sudo");
  removeForgotten();
  const path = `${folder}/${prefix}${process.pid}-${++made}`;
  const remove = (): void => rmSync(path, { force: true });
  onCleanup(async () => remove(), remove);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""), { mode: 0o440 });
  chmodSync(path, 0o440);
  await mustRun(["visudo", "-cqf", path]);
};

/** A test process that was killed outright left its rules behind; their names hold its pid. */
const removeForgotten = (): void => {
  for (const name of readdirSync(folder)) {
    const owner = new RegExp(`^${prefix}(\\d+)-\\d+$`).exec(name)?.[1];
    if (owner !== undefined && !isAlive(Number(owner))) rmSync(`${folder}/${name}`, { force: true });
  }
};
