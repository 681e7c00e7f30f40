import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";
import type { Ask } from "../../core/session.ts";
import { checkHostKey, type HostAndPort, type KnownHost, type KnownKey } from "./known-hosts.ts";
import { appendKnownHost } from "./known-hosts-append.ts";
import { fingerprint, keyType } from "./known-hosts-key.ts";

export interface HostKeyPolicy {
  at: HostAndPort;
  known: KnownHost;
  /** StrictHostKeyChecking. A changed or revoked key is refused in every mode. */
  mode: "yes" | "ask" | "accept-new" | "no";
  /** Where an accepted key is recorded; null records nothing. */
  userFile: string | null;
  /** HashKnownHosts. */
  hash: boolean;
  ask: Ask;
  /** For questions and hints, see Question. */
  destination: string;
  connectCommand: string;
  /** The command that asks a person about the key, whatever `mode` is. */
  askingCommand: string;
}

/**
 * Judges a server's host key by known_hosts and, where that is silent, by the policy.
 * @returns true, or throws: HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, HOST_KEY_REVOKED,
 *   LOCAL_IO when the key cannot be recorded
 */
export const verifyHostKey = async (policy: HostKeyPolicy, key: Buffer): Promise<true> => {
  const verdict = checkHostKey(policy.known, key);
  switch (verdict.status) {
    case "match":
      return true;
    case "revoked":
      throw revoked(policy, key, verdict.by);
    case "changed":
      throw changed(policy, key, verdict.known);
    case "unknown":
      break;
  }
  if (policy.mode === "yes") throw unknown(policy, key);
  if (policy.mode === "ask") await confirm(policy, key);
  if (policy.userFile !== null) appendKnownHost(policy.userFile, policy.at, key, { hash: policy.hash });
  return true;
};

const confirm = async (policy: HostKeyPolicy, key: Buffer): Promise<void> => {
  const shown = fingerprint(key);
  const { at, destination, connectCommand } = policy;
  const wanted = unknownKey(policy, key);
  let text = [
    `The authenticity of host '${at.host}' port ${at.port} can't be established.`,
    `${displayType(key)} key fingerprint is ${shown}.`,
    "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
  ].join("\n");
  for (;;) {
    const answer = (
      await policy.ask({ kind: "host-key", text, echo: true, destination, wanted, connectCommand })
    ).trim();
    if (answer.toLowerCase() === "yes" || answer === shown) return;
    if (answer === "" || answer.toLowerCase() === "no") throw unknown(policy, key);
    text = "Please type 'yes', 'no' or the fingerprint: ";
  }
};

const displayType = (key: Buffer): string =>
  keyType(key)
    .replace(/^ssh-|^ecdsa-.*/, (name) => (name === "ssh-" ? "" : "ECDSA"))
    .toUpperCase();

/** The key, and the files that could not be asked about it. */
const unknownKey = ({ known }: HostKeyPolicy, key: Buffer): string => {
  const unread = known.problems.filter(({ line }) => line === null);
  return [describe(key), ...unread.map(({ file, message }) => `${escapeLine(file)}: ${message}`)].join("; ");
};

const describe = (key: Uint8Array): string => `${keyType(key)} ${fingerprint(key)}`;

const unknown = (policy: HostKeyPolicy, key: Buffer): SshMcpError =>
  new SshMcpError(
    "HOST_KEY_UNKNOWN",
    `the host key of ${where(policy)} is not known and was not accepted: ${unknownKey(policy, key)}`,
    {
      hint: policy.mode === "ask" ? policy.connectCommand : policy.askingCommand,
    },
  );

const changed = (policy: HostKeyPolicy, key: Buffer, known: readonly KnownKey[]): SshMcpError => {
  const expected = known.map((entry) => `${describe(entry.key)} (${entry.file}:${entry.line})`).join(", ");
  const files = [...new Set(known.map((entry) => entry.file))];
  return new SshMcpError(
    "HOST_KEY_CHANGED",
    `the host key of ${where(policy)} has changed: it shows ${describe(key)}, known is ${expected}; somebody may be in between: forget the old key only when the server's owner confirms the new one`,
    {
      hint: `ssh-keygen -R ${quoteWord(policy.known.name)} -f ${quoteWord(files[0] ?? "")}`,
    },
  );
};

const revoked = (policy: HostKeyPolicy, key: Buffer, by: KnownKey): SshMcpError =>
  new SshMcpError(
    "HOST_KEY_REVOKED",
    `the host key of ${where(policy)} is marked as revoked: ${describe(key)} (${by.file}:${by.line})`,
    { hint: `ssh-keyscan -p ${policy.at.port} ${quoteWord(policy.at.host)}` },
  );

const where = ({ at }: HostKeyPolicy): string => `${at.host} port ${at.port}`;
