/** A person with several hosts: aliases of one real server, and some that do not answer as they should. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Home, makeHome } from "../../faces/home.ts";
import { run } from "../../support/binary.ts";
import type { ProgramOptions } from "../../support/program.ts";
import { startRawServer } from "../../support/raw-server.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { makeUser, type TemporaryUser } from "../../support/users.ts";

export interface Hosts {
  home: Home;
  sshd: Sshd;
  /** Whose password is asked for. */
  locked: TemporaryUser;
  /** Runs the binary in that home. */
  type(words: readonly string[], options?: ProgramOptions & { stdin?: string }): ReturnType<typeof run>;
}

/**
 * `web1` to `webN` answer, each over a session of its own; `dead` refuses, `silent` says nothing, `strange` has a key that nobody knows, `locked` wants
 * a password.
 */
export const makeHosts = async (count = 3): Promise<Hosts> => {
  const home = await makeHome();
  const sshd = await startSshd({ authorizedKeys: [home.key.line], options: ["PasswordAuthentication yes"] });
  const silent = await startRawServer("silent");
  const locked = await makeUser();
  const names = Array.from({ length: count }, (_, index) => `web${index + 1}`);
  const entry = (name: string, ...lines: string[]): string =>
    [`Host ${name}`, "HostName 127.0.0.1", `HostKeyAlias ${name}`, ...lines, ""].join("\n  ").trimEnd().concat("\n");
  const at = [`Port ${sshd.port}`];
  home.configure(
    [
      ...names.map((name) => entry(name, ...at, `User ${sshd.user}`)),
      entry("strange", ...at, `User ${sshd.user}`),
      entry("locked", ...at, `User ${locked.name}`, "PubkeyAuthentication no"),
      entry("dead", "Port 1"),
      entry("silent", `Port ${silent.port}`),
    ].join(""),
  );
  for (const name of [...names, "locked"]) home.trust(sshd.knownHosts().replaceAll(/^\S+/gm, name));
  mkdirSync(join(home.path, ".ssh-mcp"), { mode: 0o700 });
  const group = (name: string, members: readonly string[]): string =>
    `[group.${name}]\nhosts = ${JSON.stringify(members)}\n`;
  writeFileSync(
    join(home.path, ".ssh-mcp/config.toml"),
    group("web", names) + group("one", ["web1"]) + group("none", []) + group("loose", ["web1", "nowhere.invalid"]),
  );
  return { home, sshd, locked, type: (words, options = {}) => run(words, { home: home.path, ...options }) };
};
