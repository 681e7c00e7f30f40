/** The same login by ssh-mcp and by the system's ssh, with the same options: ssh is the oracle. */
import { systemClock } from "../../../src/broker/logins/clock.ts";
import { Dialer, scopeOf } from "../../../src/broker/logins/dial.ts";
import { planDial } from "../../../src/broker/logins/dial-plan.ts";
import type { LoginQuestion } from "../../../src/core/question.ts";
import type { Connection } from "../../../src/ssh/connection.ts";
import { callOf, requestFor } from "../../broker/sessions/sessions.ts";
import { onCleanup } from "../../support/cleanup.ts";
import { runCommand } from "../../support/command.ts";
import { sshArguments } from "../../support/ssh.ts";

export interface Login {
  server: { host: string; port: number; knownHosts(): string };
  user: string;
  /** Options as `-o` takes them. */
  options?: readonly string[];
  /** Key files as `-i` takes them. */
  keys?: readonly string[];
  /** A file of ssh_config; none without it. */
  configFile?: string;
  /** SSH_AUTH_SOCK. */
  agent?: string;
  /** See `DialRequest`. */
  timeoutMs?: number;
  /** Without it nobody can be asked. */
  answers?: (question: LoginQuestion) => string;
}

/** Logs in with ssh-mcp, from planning on. @throws SshMcpError */
export const dial = async (login: Login): Promise<Connection> => {
  const { server, user, options = [], keys = [], configFile, agent, timeoutMs, answers } = login;
  const call = callOf({ caller: { face: "cli", client: "cli", cwd: "/", agentSocket: agent ?? null } });
  const time = timeoutMs === undefined ? {} : { timeoutMs };
  const request = requestFor(`${user}@${server.host}:${server.port}`, {
    ...{ identityFiles: keys, ...time },
    ...(configFile === undefined ? {} : { configFile }),
  });
  const scope = {
    ...scopeOf(call),
    ...(answers === undefined ? {} : { ask: async (question: LoginQuestion) => answers(question) }),
  };
  const plan = await planDial({ ...request, options: [...request.options, ...options] }, call);
  const connection = await new Dialer(systemClock).dial(plan, scope);
  onCleanup(() => connection.close());
  return connection;
};

/** Whether ssh-mcp gets in, and how; or the code of why not. */
export const ours = async (login: Login): Promise<string> => {
  try {
    const connection = await dial(login);
    await connection.close();
    return "in";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

/** Whether ssh(1) gets in with the same. */
export const sshGetsIn = async ({
  server,
  user,
  options = [],
  keys = [],
  configFile = "none",
  agent,
}: Login): Promise<boolean> => {
  const given = [...options, ...keys.map((key) => `IdentityFile=${key}`)];
  const argv = sshArguments({ ...server, user }, null, given).with(2, configFile);
  const env = agent === undefined ? {} : { SSH_AUTH_SOCK: agent };
  return (await runCommand([...argv, "true"], { env })).status === 0;
};
