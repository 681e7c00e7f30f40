/** All host keys of a server, each shown in a key exchange of its own, as ssh-keyscan(1) has it. */
import { SshMcpError } from "../../core/errors.ts";
import type { CallScope } from "../../core/session.ts";
import { isCertificateType } from "../../ssh/certificate.ts";
import { showHostKey } from "../../ssh/host-keys/show-host-key.ts";
import { algorithmsFor } from "../../ssh/key-exchange/algorithms.ts";
import type { Dialer, DialScope } from "./dial.ts";
import type { DialPlan } from "./dial-plan.ts";
import { wayTo } from "./dial-way.ts";

/** For one key: TCP and the key exchange; what ssh_config allows comes in its place. */
const defaultLimitMs = 15_000;

/**
 * The keys that the server holds, of the types that HostKeyAlgorithms has, in that order. No login is begun at it; jump hosts on the way are
 * logged in to, once.
 * @returns in wire form
 * @throws SshMcpError as a connection does that comes to nothing before its login; NO_COMMON_ALGORITHM when there is no key at all
 */
export const scanHostKeys = async (plan: DialPlan, dialer: Dialer, call: CallScope): Promise<Buffer[]> => {
  const { resolved, request, settings } = plan;
  const scope: DialScope = { ...call, isForModels: () => false };
  const algorithms = algorithmsFor({ ...resolved, legacy: settings.legacy, knownKeyTypes: [] });
  const where = `${resolved.hostname} port ${resolved.port}`;
  const limitMs = request.timeoutMs ?? resolved.connectTimeoutMs ?? defaultLimitMs;
  const hop = await dialer.dialHop(plan, scope);
  try {
    const open = await wayTo(plan, scope, hop);
    const keys: Buffer[] = [];
    for (const serverHostKey of byType(algorithms.serverHostKey)) {
      const startedAt = performance.now();
      const socket = await open(limitMs, scope.signal);
      const leftMs = Math.max(1, limitMs - (performance.now() - startedAt));
      const offered = { ...algorithms, serverHostKey } as typeof algorithms;
      const key = await showHostKey({ socket, algorithms: offered, where, limitMs: leftMs }, scope.signal);
      if (key !== null) keys.push(key);
    }
    if (keys.length > 0) return keys;
    throw new SshMcpError("NO_COMMON_ALGORITHM", `${where} has no host key of a type that HostKeyAlgorithms has`);
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
