/** Whether a server is the one that is meant, from what was planned. */
import {
  assembleAlgorithms,
  certificateAlgorithm,
  opensshAlgorithms,
  opensshDefaults,
} from "../../config/ssh-config/values/algorithm-list.ts";
import type { Ask } from "../../core/question.ts";
import { plainType } from "../../ssh/certificate.ts";
import { acceptHostKey, type HostKeyPolicy } from "../../ssh/host-keys/host-key.ts";
import { changeText } from "../../ssh/host-keys/host-key-question.ts";
import { readKnownHosts } from "../../ssh/host-keys/known-hosts.ts";
import { type HostKeyChange, updateHostKeys } from "../../ssh/host-keys/update-host-keys.ts";
import type { ConnectionOptions } from "../../ssh/transport/connection-options.ts";
import { AwaitedChange } from "./awaited-change.ts";
import type { DialPlan } from "./dial-plan.ts";

export interface Trust extends Required<Pick<ConnectionOptions, "verifyHostKey" | "onHostKeys">> {
  /**
   * Types of the host's keys that known_hosts holds, in its order: their algorithms are offered first. Where an authority is known for the host,
   * the type of a certificate is among them.
   */
  knownKeyTypes: readonly string[];
  /**
   * Resolves when a person has said whether the server's other keys are to be known: later, nobody would be there to be asked. At once unless
   * UpdateHostKeys is `ask`, and as soon as the signal aborts.
   * @param budget the time that the server may take for it, brought up to date; a person's is not counted
   */
  settled: (budget: { leftMs: number }, signal: AbortSignal) => Promise<void>;
}

/** Who is asked, and told. */
export type Audience = Pick<HostKeyPolicy, "ask" | "notice">;

/** Reads what is known of the host. */
export const planTrust = async (plan: DialPlan, audience: Audience): Promise<Trust> => {
  const policy = await hostKeyPolicy(plan, audience);
  const { known } = policy;
  const authority = known.certAuthorities.length === 0 ? [] : [certificateAlgorithm("ssh-ed25519")];
  const wanted = plan.resolved.updateHostKeys;
  let mayUpdate = false;
  const change = new AwaitedChange();
  return {
    knownKeyTypes: [...known.keyTypes, ...authority],
    verifyHostKey: async (blob, peer) => {
      mayUpdate = (await acceptHostKey(policy, blob, peer)).mayUpdate;
      return true;
    },
    onHostKeys: (announced, algorithms) => {
      if (!mayUpdate || !wantsUpdates(plan)) return;
      const { at, userFiles, hash } = policy;
      const confirm = async (found: HostKeyChange): Promise<boolean> =>
        wanted === "yes" || (await change.ask(() => confirmChange(plan, audience.ask, found)));
      // Nobody has lost anything when it comes to nothing: the key that is known stays.
      const update = updateHostKeys({ at, userFiles, hash, types: keyTypesOf(algorithms), confirm }, announced);
      change.begin(update.catch(() => null));
    },
    settled: async (budget, signal) => {
      if (mayUpdate && wantsUpdates(plan) && wanted === "ask") await change.settled(budget, signal);
    },
  };
};

/** What is known of a host, and what ssh_config says of its keys. @param audience for a key that is not known */
export const hostKeyPolicy = async (plan: DialPlan, { ask, notice }: Audience): Promise<HostKeyPolicy> => {
  const { resolved, destination, connectCommand, askingCommand } = plan;
  const { userKnownHostsFiles: userFiles, globalKnownHostsFiles: globalFiles } = resolved;
  const at = { host: resolved.hostname, port: resolved.port, alias: resolved.hostKeyAlias };
  return {
    ...{ at, userFiles, globalFiles, ask, notice, destination, connectCommand, askingCommand },
    known: await readKnownHosts([...userFiles, ...globalFiles], at),
    mode: resolved.strictHostKeyChecking,
    hash: resolved.hashKnownHosts,
    revokedFile: resolved.revokedHostKeys,
    caSignatureAlgorithms: assembleAlgorithms(
      resolved.caSignatureAlgorithms,
      opensshDefaults.caSignature,
      opensshAlgorithms.caSignature,
    ),
    trustsLoopback: resolved.noHostAuthenticationForLocalhost,
  };
};

/** Of which keys a server's word is taken: those of the algorithms that were offered. */
const keyTypesOf = (algorithms: readonly string[]): Set<string> =>
  new Set(algorithms.map((algorithm) => plainType(algorithm).replace(/^rsa-sha2-(256|512)$/, "ssh-rsa")));

const wantsUpdates = ({ resolved: { updateHostKeys: wanted, batchMode } }: DialPlan): boolean =>
  wanted === "yes" || (wanted === "ask" && !batchMode);

/** @returns whether a person says yes */
const confirmChange = async (plan: DialPlan, ask: Ask, change: HostKeyChange): Promise<boolean> => {
  const { destination, connectCommand } = plan;
  const { facts, prompt } = changeText(change);
  const wanted = "leave to change what is known of its host keys";
  for (let attempt = 0, text = [...facts, prompt].join("\n"); attempt < 3; attempt++, text = prompt) {
    const answer = await ask({ kind: "host-key", text, echo: true, destination, wanted, connectCommand });
    if (/^yes$/i.test(answer.trim())) return true;
    if (/^no$/i.test(answer.trim())) return false;
  }
  return false;
};
