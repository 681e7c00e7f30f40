import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { behaviours } from "./behaviours.ts";
import { currentUser } from "./command.ts";
import { freePort } from "./daemon.ts";
import { startDropbear } from "./dropbear.ts";
import { knownHostsLine, makeKey, type PublicKey } from "./keys.ts";
import { type RawBehaviour, rawBehaviours, startRawServer } from "./raw-server.ts";
import { startScriptedServer } from "./scripted-server.ts";
import { startSshd } from "./sshd.ts";
import type { Names } from "./transcript.ts";

interface Server {
  port: number;
  user: string;
  hostKeys: readonly PublicKey[];
}

/**
 * Starts the server a transcript names and prepares HOME as that of a person who has used it before: the key
 * `~/.ssh/id_ed25519`, which real servers accept, and the server's own in `~/.ssh/known_hosts`.
 * @returns the names that stand for its values
 * @throws Error for a fixture that does not exist
 */
export const startFixture = async (fixture: string, home: string): Promise<Names> => {
  if (fixture === "none") return { home };
  const ssh = join(home, ".ssh");
  mkdirSync(ssh, { mode: 0o700 });
  const key = await makeKey({ path: join(ssh, "id_ed25519") });
  const { port, user, hostKeys } = await startServer(fixture, key.line);
  const host = "127.0.0.1";
  writeFileSync(join(ssh, "known_hosts"), hostKeys.map((each) => knownHostsLine(host, port, each)).join(""));
  return {
    home,
    host,
    user,
    port: String(port),
    destination: `${user}@${host}:${port}`,
    key: key.fingerprint,
    ...(hostKeys[0] === undefined ? {} : { fingerprint: hostKeys[0].fingerprint }),
  };
};

const startServer = async (fixture: string, authorizedKey: string): Promise<Server> => {
  const [kind, behaviour = ""] = fixture.split(":");
  const user = currentUser();
  switch (kind) {
    case "sshd":
      return startSshd({ authorizedKeys: [authorizedKey] });
    case "dropbear":
      return startDropbear({ authorizedKeys: [authorizedKey] });
    case "closed-port":
      return { port: await freePort(), user, hostKeys: [] };
    case "scripted":
      if (!Object.hasOwn(behaviours, behaviour)) break;
      return startScriptedServer(behaviours[behaviour as keyof typeof behaviours]);
    case "raw": {
      if (!Object.hasOwn(rawBehaviours, behaviour)) break;
      const server = await startRawServer(behaviour as RawBehaviour);
      return { port: server.port, user, hostKeys: [] };
    }
  }
  throw new Error(`there is no fixture ${fixture}`);
};
