/** Servers of every kind that both faces are sent to, by name. */

import { behaviours } from "../support/behaviours.ts";
import { freePort } from "../support/daemon.ts";
import { knownHostsLine, makeKey } from "../support/keys.ts";
import { startRawServer } from "../support/raw-server.ts";
import type { Behaviour } from "../support/scripted-server.ts";
import { startScriptedServer } from "../support/scripted-server.ts";
import { startSshd } from "../support/sshd.ts";
import { makeUser } from "../support/users.ts";
import { type Home, makeHome } from "./home.ts";

/** Destinations. */
export type Places = Awaited<ReturnType<typeof startPlaces>>["places"];

/** Starts them all, and a person who knows them but for the ones that are to be unknown. */
export const startPlaces = async () => {
  const home = await makeHome();
  const [user, other] = await Promise.all([makeUser({ shell: "/bin/sh" }), makeKey()]);
  const sshd = async (options: readonly string[] = [], authorizedKeys = [home.key.line]) => {
    const server = await startSshd({ options, authorizedKeys });
    return { server, at: `${user.name}@127.0.0.1:${server.port}` };
  };
  const [real, unknown, changed, password, denied] = await Promise.all([
    sshd(),
    sshd(),
    sshd(),
    sshd(["PasswordAuthentication yes", "PubkeyAuthentication no"]),
    sshd([], []),
  ]);
  for (const { server } of [real, password, denied]) home.trust(server.knownHosts());
  home.trust(knownHostsLine("127.0.0.1", changed.server.port, other));
  home.configure(`Host box\n  HostName 127.0.0.1\n  Port ${real.server.port}\n  User ${user.name}\n`);
  const { port: realPort, user: realUser } = real.server;
  home.configure(`Host behind\n  HostName 127.0.0.1\n  Port ${realPort}\n  User ${realUser}\n  ProxyJump box\n`);
  home.configure("Host elsewhere\n  HostName 127.0.0.1\n  KnownHostsCommand /bin/true\n");
  const [http, silent] = await Promise.all([startRawServer("http"), startRawServer("silent")]);
  return {
    home,
    server: real.server,
    places: {
      sshd: real.at,
      /** Names of ssh_config: one that works, one by way of it, and one that takes what there is not. */
      alias: "box",
      behind: "behind",
      unsupported: "elsewhere",
      unknown: unknown.at,
      changed: changed.at,
      password: password.at,
      denied: denied.at,
      closed: `127.0.0.1:${await freePort()}`,
      http: `127.0.0.1:${http.port}`,
      silent: `127.0.0.1:${silent.port}`,
      asTold: await scripted(home, behaviours["exit-as-told"]),
      noStatus: await scripted(home, behaviours["no-status"]),
      dies: await scripted(home, behaviours["dies-in-command"]),
      refusesCommands: await scripted(home, behaviours["refuses-commands"]),
      refusesChannels: await scripted(home, behaviours["refuses-channels"]),
      talks: await scripted(home, talksToTerminals),
    },
  };
};

const scripted = async (home: Home, behaviour: Behaviour): Promise<string> => {
  const server = await startScriptedServer(behaviour);
  home.trust(server.knownHosts());
  return `${server.user}@127.0.0.1:${server.port}`;
};

/** Tries to write to the terminal of whoever reads its banner or its output. */
const talksToTerminals: Behaviour = {
  banner: "\x1b]0;title\x07\x1b[2Jbanner\r\n\u202eevil\r\n",
  exec: (run) => run.finish(0, "\x1b[2Jout\r\n\u202e\0\n", new Uint8Array([0xff, 0xfe, 0x9b, 0x0a])),
};
