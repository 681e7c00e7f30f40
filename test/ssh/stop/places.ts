/** Servers that commands are stopped on, and what is left of a command there. */
import { readdirSync, readFileSync } from "node:fs";
import type { Connection } from "../../../src/ssh/connection.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { makeKey } from "../../support/keys.ts";
import { startSshd } from "../../support/sshd.ts";
import { makeUser } from "../../support/users.ts";
import { open } from "../open.ts";

/** Every process whose arguments hold the mark: what a stopped command must not leave behind. */
export const leftOf = (mark: string): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ");
      } catch {
        return "";
      }
    })
    .filter((line) => line.includes(mark));

let marks = 0;
/** A number of seconds that no other sleep on the machine has: its own mark. */
export const nextMark = (): string => `60${process.pid}${++marks}`;

export type Connect = () => Promise<Connection>;

/** Servers by what they are, each with a key of its own. */
export const servers: Record<string, () => Promise<Connect>> = {
  "OpenSSH as root": async () => {
    const key = await makeKey();
    const sshd = await startSshd({ authorizedKeys: [key.line] });
    return () => open({ port: sshd.port, user: sshd.user, keys: [key.path] });
  },
  "OpenSSH as root, with AcceptEnv LC_*": async () => {
    const key = await makeKey();
    const sshd = await startSshd({ authorizedKeys: [key.line], options: ["AcceptEnv LANG LC_*"] });
    return () => open({ port: sshd.port, user: sshd.user, keys: [key.path] });
  },
  "OpenSSH as another user": async () => {
    const key = await makeKey();
    const [sshd, user] = await Promise.all([startSshd({ authorizedKeys: [key.line] }), makeUser()]);
    return () => open({ port: sshd.port, user: user.name, keys: [key.path] });
  },
  "OpenSSH as another user, with AcceptEnv LC_*": async () => {
    const key = await makeKey();
    const user = await makeUser({ shell: "/bin/sh" });
    const sshd = await startSshd({ authorizedKeys: [key.line], options: ["AcceptEnv LANG LC_*"] });
    return () => open({ port: sshd.port, user: user.name, keys: [key.path] });
  },
  "Dropbear as root": async () => {
    const key = await makeKey();
    const dropbear = await startDropbear({ user: await makeUser({ superuser: true }), authorizedKeys: [key.line] });
    return () => open({ port: dropbear.port, user: dropbear.user, keys: [key.path] });
  },
  "Dropbear as another user": async () => {
    const key = await makeKey();
    const dropbear = await startDropbear({ authorizedKeys: [key.line] });
    return () => open({ port: dropbear.port, user: dropbear.user, keys: [key.path] });
  },
};
