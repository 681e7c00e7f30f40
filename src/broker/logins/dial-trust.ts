/** Whether a server is the one that is meant, from what was planned. */
import {
  assembleAlgorithms,
  certificateAlgorithm,
  opensshAlgorithms,
  opensshDefaults,
} from "../../config/ssh-config/algorithm-list.ts";
import type { Ask } from "../../core/session.ts";
import { plainType } from "../../ssh/certificate.ts";
import { acceptHostKey, type HostKeyPolicy } from "../../ssh/host-keys/host-key.ts";
import { shownType } from "../../ssh/host-keys/host-key-question.ts";
import { readKnownHostsFairly } from "../../ssh/host-keys/known-hosts.ts";
import { fingerprint } from "../../ssh/host-keys/known-hosts-key.ts";
import { type HostKeyChange, updateHostKeys } from "../../ssh/host-keys/update-host-keys.ts";
import type { ConnectionOptions } from "../../ssh/transport/connection-options.ts";
import { within } from "../../ssh/transport/within.ts";
import type { DialPlan } from "./dial-plan.ts";

export interface Trust extends Required<Pick<ConnectionOptions, "verifyHostKey" | "onHostKeys">> {
  /**
   * Types of the host's keys that known_hosts holds, in its order: their algorithms are offered first. Where an authority is known for the host,
   * the type of a certificate is among them.
   */
  knownKeyTypes: readonly string[];
  /**
   * Resolves when a person has said whether the server's other keys are to be known: later, nobody would be there to be asked. At once unless
   * UpdateHostKeys is `ask`.
   */
  settled: () => Promise<void>;
}

/** How long after a login a server may take to tell its keys, where somebody is to be asked about them. OpenSSH tells them at once. */
const announcementMs = 1_000;

/** Reads what is known of the host. */
export const planTrust = async (plan: DialPlan, ask: Ask): Promise<Trust> => {
  const policy = await hostKeyPolicy(plan, ask);
  const { known } = policy;
  const authority = known.certAuthorities.length === 0 ? [] : [certificateAlgorithm("ssh-ed25519")];
  let mayUpdate = false;
  let update: Promise<unknown> = Promise.resolve();
  const announcement = Promise.withResolvers<void>();
  return {
    knownKeyTypes: [...known.keyTypes, ...authority],
    verifyHostKey: async (blob, peer) => {
      mayUpdate = (await acceptHostKey(policy, blob, peer)).mayUpdate;
      return true;
    },
    onHostKeys: (announced, algorithms) => {
      if (!mayUpdate || !wantsUpdates(plan)) return;
      const { at, userFiles, hash } = policy;
      const confirm = (change: HostKeyChange): Promise<boolean> => confirmChange(plan, ask, change);
      // Nobody waits for it, and nobody has lost anything when it comes to nothing: the key that is known stays.
      const wanted = { at, userFiles, hash, types: keyTypesOf(algorithms), confirm };
      update = updateHostKeys(wanted, announced).catch(() => {});
      announcement.resolve();
    },
    settled: async () => {
      if (!mayUpdate || !wantsUpdates(plan) || plan.resolved.updateHostKeys !== "ask") return;
      await within(announcement.promise, announcementMs, undefined);
      await update;
    },
  };
};

/** What is known of a host, and what ssh_config says of its keys. @param ask for a key that is not known */
export const hostKeyPolicy = async (plan: DialPlan, ask: Ask): Promise<HostKeyPolicy> => {
  const { resolved, destination, connectCommand, askingCommand } = plan;
  const { userKnownHostsFiles: userFiles, globalKnownHostsFiles: globalFiles } = resolved;
  const at = { host: resolved.hostname, port: resolved.port, alias: resolved.hostKeyAlias };
  return {
    ...{ at, userFiles, globalFiles, ask, destination, connectCommand, askingCommand },
    known: await readKnownHostsFairly([...userFiles, ...globalFiles], at),
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

/** In ssh's words; with `ask`, a person has to say yes. */
const confirmChange = async (plan: DialPlan, ask: Ask, { added, removed }: HostKeyChange): Promise<boolean> => {
  if (plan.resolved.updateHostKeys === "yes") return true;
  const { destination, connectCommand } = plan;
  const shown = (what: string) => (key: Uint8Array) => `${what} hostkey: ${shownType(key)} ${fingerprint(key)}`;
  const lines = [
    "The server has updated its host keys.",
    "These changes were verified by the server's existing trusted key.",
    ...added.map(shown("Learned new")),
    ...removed.map(shown("Deprecating obsolete")),
  ];
  const prompt = "Accept updated hostkeys? (yes/no): ";
  const wanted = "leave to change what is known of its host keys";
  for (let attempt = 0, text = [...lines, prompt].join("\n"); attempt < 3; attempt++, text = prompt) {
    const answer = await ask({ kind: "host-key", text, echo: true, destination, wanted, connectCommand });
    if (/^yes$/i.test(answer.trim())) return true;
    if (/^no$/i.test(answer.trim())) return false;
  }
  return false;
};
