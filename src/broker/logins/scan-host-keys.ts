/** All host keys of a server, each shown in a key exchange of its own, as ssh-keyscan(1) has it. */

import type { CallScope } from "../../core/call-scope.ts";
import { SshMcpError } from "../../core/errors.ts";
import { isCertificateType } from "../../ssh/certificate.ts";
import { showHostKey } from "../../ssh/host-keys/show-host-key.ts";
import { algorithmsFor } from "../../ssh/key-exchange/algorithms.ts";
import { mustBeLongEnough } from "../../ssh/key-exchange/host-key-size.ts";
import { negotiationFailure } from "../../ssh/key-exchange/negotiation-failure.ts";
import { type Dialer, scopeOf } from "./dial.ts";
import type { DialPlan } from "./dial-plan.ts";
import { wayTo } from "./dial-way.ts";

/** For one key: TCP and the key exchange; what ssh_config allows comes in its place. */
const defaultLimitMs = 15_000;

/**
 * The keys that the server holds, of the types that HostKeyAlgorithms has, in that order. No login is begun at it; jump hosts on the way are
 * logged in to, once.
 * @returns in wire form
 * @throws SshMcpError as a connection does that comes to nothing before its login; NO_COMMON_ALGORITHM when there is no key at all, KEY_INVALID
 *   when there is none but an RSA key that is too short: where there are others, it is left out
 */
export const scanHostKeys = async (plan: DialPlan, dialer: Dialer, call: CallScope): Promise<Buffer[]> => {
  const { resolved, request, settings, destination } = plan;
  const scope = scopeOf(call);
  const algorithms = algorithmsFor({ ...resolved, legacy: settings.legacy, knownKeyTypes: [] });
  const where = `${resolved.hostname} port ${resolved.port}`;
  const limitMs = request.timeoutMs ?? resolved.connectTimeoutMs ?? defaultLimitMs;
  const hop = await dialer.dialHop(plan, scope);
  try {
    const open = await wayTo(plan, scope, hop);
    const keys: Buffer[] = [];
    let refusal: unknown = null;
    const lists = byType(algorithms.serverHostKey);
    for (const serverHostKey of lists) {
      const startedAt = performance.now();
      const socket = await open(limitMs, scope.signal);
      const leftMs = Math.max(1, limitMs - (performance.now() - startedAt));
      const offered = { ...algorithms, serverHostKey } as typeof algorithms;
      const showing = { socket, algorithms: offered, where, destination, limitMs: leftMs };
      const shown = await showHostKey(showing, scope.signal);
      if ("offers" in shown) {
        const ours = { ...shown.offers.ours, serverHostKey: lists.flat() };
        refusal ??= negotiationFailure("no matching host key", ours, shown.offers.theirs, { where, destination });
        continue;
      }
      try {
        mustBeLongEnough(shown.key, resolved.requiredRsaBits, where);
        keys.push(shown.key);
      } catch (error) {
        // No login would take it, while one by another key may go through.
        refusal = error;
      }
    }
    if (keys.length > 0) return keys;
    throw (
      refusal ?? new SshMcpError("NO_COMMON_ALGORITHM", `HostKeyAlgorithms has nothing but certificates for ${where}`)
    );
  } finally {
    void hop?.close();
  }
};

/** One list for each type of key: RSA has an algorithm for each digest. */
const byType = (offered: unknown): string[][] => {
  const plain = (Array.isArray(offered) ? (offered as string[]) : []).filter((name) => !isCertificateType(name));
  const isRsa = (name: string): boolean => /rsa/.test(name);
  const lists = plain.filter((name) => !isRsa(name)).map((name) => [name]);
  const rsa = plain.filter(isRsa);
  return rsa.length === 0 ? lists : [...lists, rsa];
};
