/** The ways a session is logged in, each to a real server behind a proxy, and what is asked of it after a crash. */
import { renameSync } from "node:fs";
import { join } from "node:path";
import { makeHome } from "../../faces/home.ts";
import { startProxy, type TcpProxy } from "../../support/proxy.ts";
import { startSshAgent } from "../../support/ssh-agent.ts";
import { startSshd } from "../../support/sshd.ts";
import type { TerminalSession } from "../../support/terminal.ts";
import { makeUser } from "../../support/users.ts";
import { type Outcome, type Place, placeAt } from "../place.ts";

export const loginNames = ["key", "agent", "password"] as const;
export type LoginName = (typeof loginNames)[number];

export interface Login extends Place {
  readonly name: LoginName;
  readonly proxy: TcpProxy;
  /** What its clients have in their environment besides. */
  readonly env: Readonly<Record<string, string>>;
  /** Types a command line into a terminal of its own, without waiting for anything. */
  type(line: string): TerminalSession;
  /** Types a command line that logs in, answers what is asked, and waits for its end. */
  typed(line: string): Promise<void>;
  /** `connect --name web`. */
  connect(): Promise<void>;
  prompt: string;
  password: string;
}

export const startLogin = async (name: LoginName): Promise<Login> => {
  const home = await makeHome();
  const user = await makeUser({ shell: "/bin/sh" });
  const options = name === "password" ? ["PasswordAuthentication yes", "PubkeyAuthentication no"] : [];
  const sshd = await startSshd({ options, authorizedKeys: [home.key.line] });
  const proxy = await startProxy(sshd);
  home.trust(sshd.knownHosts().replaceAll(String(sshd.port), String(proxy.port)));
  const env: Record<string, string> = {};
  if (name === "agent") {
    const agent = await startSshAgent();
    await agent.add(home.key.path);
    // Out of the way: only the agent has it now.
    renameSync(home.key.path, join(home.path, "put-away"));
    env["SSH_AUTH_SOCK"] = agent.socket;
  }
  const at = `${user.name}@127.0.0.1:${proxy.port}`;
  const place = placeAt(home, sshd, at);
  const prompt = `${user.name}@127.0.0.1's password: `;
  const type = (line: string) => home.type(name === "agent" ? `SSH_AUTH_SOCK=${env["SSH_AUTH_SOCK"]} ${line}` : line);
  const typed = async (line: string) => {
    const terminal = type(line);
    if (name === "password") {
      await terminal.waitFor(prompt);
      terminal.type(`${user.password}\r`);
    }
    const status = await terminal.exit();
    if (status !== 0) throw new Error(`${line} ended with ${status}:\n${terminal.text()}`);
  };
  const run = (args: readonly string[], given = {}): Promise<Outcome> => place.run(args, { env, ...given });
  return {
    ...place,
    name,
    proxy,
    env,
    run,
    type,
    typed,
    connect: () => typed(`ssh-mcp connect --name web ${at}`),
    prompt,
    password: user.password,
  };
};
