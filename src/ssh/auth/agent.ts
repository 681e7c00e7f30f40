import type { ParsedKey } from "ssh2";
import ssh2 from "ssh2";
import { within } from "../transport/within.ts";

/** An agent that does not answer is as good as none; a person who must touch a key has the login's own limit. */
const listLimitMs = 5000;

/** A key that an agent holds, and how to have it sign. */
export interface AgentKey {
  key: ParsedKey;
  agent: ssh2.BaseAgent<ParsedKey>;
}

/** The keys of the agent behind a socket, in its order; none when nobody answers there, as ssh(1) has it. */
export const listAgentKeys = async (socketPath: string | null): Promise<AgentKey[]> => {
  if (socketPath === null || socketPath === "") return [];
  const agent = new ssh2.OpenSSHAgent(socketPath);
  const keys = new Promise<ParsedKey[]>((resolve) => {
    agent.getIdentities((error, found) => resolve(error || found === undefined ? [] : (found as ParsedKey[])));
  });
  return (await within(keys, listLimitMs, [])).map((key) => ({ key, agent }));
};
