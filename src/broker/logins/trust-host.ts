/** `ssh-mcp trust`: a person looks at a server's host keys, and says which are recorded. */

import type { CallScope } from "../../core/call-scope.ts";
import type { DialRequest } from "../../core/dial-request.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import type { HostKeys, ShownHostKey, TrustedHost } from "../../core/host-keys.ts";
import { changedKey, type HostKeyPolicy, revokedKey } from "../../ssh/host-keys/host-key.ts";
import { problemsOf, shownType } from "../../ssh/host-keys/host-key-question.ts";
import { describeKey } from "../../ssh/host-keys/judge-host-key.ts";
import type { KnownKey } from "../../ssh/host-keys/known-hosts.ts";
import { appendKnownHost } from "../../ssh/host-keys/known-hosts-append.ts";
import { randomart } from "../../ssh/host-keys/randomart.ts";
import { isRevokedByFile } from "../../ssh/host-keys/revoked-keys.ts";
import { fingerprint, keyBits, keyType } from "../../ssh/public-key.ts";
import type { Dialer } from "./dial.ts";
import { type DialPlan, planDial } from "./dial-plan.ts";
import { hostKeyPolicy } from "./dial-trust.ts";
import { scanHostKeys } from "./scan-host-keys.ts";

export class HostKeyTrust implements HostKeys {
  readonly #dialer: Dialer;

  constructor(dialer: Dialer) {
    this.#dialer = dialer;
  }

  async trust(request: DialRequest, wanted: string | null, scope: CallScope): Promise<TrustedHost> {
    const plan = await planDial(request, scope);
    const policy = await hostKeyPolicy(plan, scope);
    const keys = await scanHostKeys(plan, this.#dialer, scope);
    await refuseBad(policy, keys);
    const fresh = keys.filter((key) => knownBy(policy, key) === null);
    if (wanted !== null && !keys.some((key) => fingerprint(key) === wanted)) {
      throw notAccepted(keys, plan, `none of them is ${escapeLine(wanted)}`);
    }
    const accepted = fresh.length === 0 ? [] : await choose(fresh, wanted, { plan, policy, scope });
    const [file = null] = policy.userFiles;
    // One by one: each is a line of its own.
    if (file !== null) for (const key of accepted) await appendKnownHost(file, policy.at, key, { hash: policy.hash });
    return {
      host: policy.at.host,
      port: policy.at.port,
      name: policy.known.name,
      keys: keys.map((key) => ({ ...shown(key), ...stateOf(policy, key, accepted) })),
      file: accepted.length === 0 ? null : file,
    };
  }
}

/** A server that shows one bad key is not the one that is known: none of its other keys is recorded either. */
const refuseBad = async (policy: HostKeyPolicy, keys: readonly Buffer[]): Promise<void> => {
  const { known, revokedFile } = policy;
  for (const key of keys) {
    const by = known.revoked.find((one) => isSame(one, key));
    if (by !== undefined) throw revokedKey(policy, key, `${by.file}:${by.line}`);
    if (revokedFile !== null && (await isRevokedByFile(revokedFile, { key, certificate: null }))) {
      throw revokedKey(policy, key, revokedFile);
    }
  }
  const changed = keys.find((key) => isChanged(policy, key, keys));
  if (changed !== undefined) throw changedKey(policy, { key: changed, passedOver: null }, known.keys);
};

/** Another one of its type is known; or the server has none of the keys that are known. */
const isChanged = ({ known }: HostKeyPolicy, key: Buffer, all: readonly Buffer[]): boolean => {
  if (known.keys.some((one) => isSame(one, key))) return false;
  if (known.keys.some((one) => one.type === keyType(key))) return true;
  return known.keys.length > 0 && !all.some((other) => known.keys.some((one) => isSame(one, other)));
};

const isSame = (one: KnownKey, key: Buffer): boolean => Buffer.compare(one.key, key) === 0;

const knownBy = ({ known }: HostKeyPolicy, key: Buffer): KnownKey | null =>
  [...known.keys, ...known.keysWithoutPort].find((one) => isSame(one, key)) ?? null;

interface Choice {
  plan: DialPlan;
  policy: HostKeyPolicy;
  scope: CallScope;
}

/** @throws SshMcpError HOST_KEY_UNKNOWN when none is accepted */
const choose = async (fresh: readonly Buffer[], wanted: string | null, choice: Choice): Promise<readonly Buffer[]> => {
  const named = (text: string): Buffer[] => fresh.filter((key) => fingerprint(key) === text);
  if (wanted !== null) return named(wanted);
  const { plan, policy, scope } = choice;
  const { destination } = plan;
  const question = {
    kind: "host-key",
    echo: true,
    destination,
    wanted: listed(fresh),
    connectCommand: commandOf(plan),
  } as const;
  let text = [
    `${policy.at.host} port ${policy.at.port} shows ${fresh.length === 1 ? "a host key" : "host keys"} that ${fresh.length === 1 ? "is" : "are"} not known:`,
    ...fresh.flatMap((key) => [`${keyBits(key)} ${fingerprint(key)} (${shownType(key)})`, randomart(key)]),
    ...problemsOf(policy.known),
    `Compare with what the server's owner says. Record ${fresh.length === 1 ? "it" : "them"} (yes/no/[fingerprint])? `,
  ].join("\n");
  for (;;) {
    const answer = (await scope.ask({ ...question, text })).trim();
    if (answer.toLowerCase() === "yes") return fresh;
    const keys = named(answer);
    if (keys.length > 0) return keys;
    if (answer === "" || answer.toLowerCase() === "no") throw notAccepted(fresh, plan, "nothing was recorded");
    text = "Please type 'yes', 'no' or the fingerprint: ";
  }
};

const listed = (keys: readonly Buffer[]): string => keys.map(describeKey).join(", ");

const notAccepted = (keys: readonly Buffer[], plan: DialPlan, why: string): SshMcpError => {
  const { hostname, port } = plan.resolved;
  return new SshMcpError(
    "HOST_KEY_UNKNOWN",
    `the host keys of ${hostname} port ${port} were not accepted: ${listed(keys)}; ${why}`,
    { hint: commandOf(plan) },
  );
};

/** The connection's own command, with the other verb. */
const commandOf = ({ connectCommand }: DialPlan): string =>
  connectCommand.replace(/^ssh-mcp connect\b/, "ssh-mcp trust");

const shown = (key: Buffer): Pick<ShownHostKey, "type" | "bits" | "fingerprint" | "randomart"> => ({
  type: keyType(key),
  bits: keyBits(key),
  fingerprint: fingerprint(key),
  randomart: randomart(key),
});

const stateOf = (
  policy: HostKeyPolicy,
  key: Buffer,
  accepted: readonly Buffer[],
): Pick<ShownHostKey, "state" | "by"> => {
  const known = knownBy(policy, key);
  if (known !== null) return { state: "known", by: `${known.file}:${known.line}` };
  return { state: accepted.includes(key) ? "recorded" : "left", by: null };
};
