/** Whether a server is the one that is meant, from what was planned. */
import type { Ask } from "../../core/session.ts";
import { verifyHostKey } from "../../ssh/host-keys/host-key.ts";
import { readKnownHostsFairly } from "../../ssh/host-keys/known-hosts.ts";
import type { DialPlan } from "./dial-plan.ts";

export interface Trust {
  /** Types of the host's keys that known_hosts holds, in its order: their algorithms are offered first. */
  knownKeyTypes: readonly string[];
  /** See `ConnectionOptions`. */
  verifyHostKey: (key: Buffer) => Promise<boolean>;
}

/** Reads what is known of the host. */
export const planTrust = async (plan: DialPlan, ask: Ask): Promise<Trust> => {
  const { resolved, destination, connectCommand, askingCommand } = plan;
  const at = { host: resolved.hostname, port: resolved.port };
  const known = await readKnownHostsFairly([...resolved.userKnownHostsFiles, ...resolved.globalKnownHostsFiles], at);
  const policy = {
    ...{ at, known, ask, destination, connectCommand, askingCommand },
    mode: resolved.strictHostKeyChecking,
    userFile: resolved.userKnownHostsFiles[0] ?? null,
    hash: resolved.hashKnownHosts,
  };
  return { knownKeyTypes: known.keyTypes, verifyHostKey: (key) => verifyHostKey(policy, key) };
};
