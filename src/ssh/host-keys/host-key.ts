import { isIP } from "node:net";
import { lowerCase } from "../../config/ssh-config/match-pattern.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import type { Ask } from "../../core/question.ts";
import { quoteWord } from "../../core/quote.ts";
import { fingerprint } from "../public-key.ts";
import { problemsOf, questionText } from "./host-key-question.ts";
import { describeKey, type Judgement, judgeHostKey, readShownKey } from "./judge-host-key.ts";
import type { HostAndPort, KnownHost, KnownKey } from "./known-hosts.ts";
import { appendKnownHost } from "./known-hosts-append.ts";
import { isRevokedByFile } from "./revoked-keys.ts";

export interface HostKeyPolicy {
  at: HostAndPort;
  known: KnownHost;
  /** StrictHostKeyChecking. A changed or revoked key is refused in every mode. */
  mode: "yes" | "ask" | "accept-new" | "no";
  /** UserKnownHostsFile: an accepted key is recorded in the first; none records nothing. */
  userFiles: readonly string[];
  globalFiles: readonly string[];
  /** RevokedHostKeys. */
  revokedFile: string | null;
  /** CASignatureAlgorithms. */
  caSignatureAlgorithms: readonly string[];
  /** NoHostAuthenticationForLocalhost. */
  trustsLoopback: boolean;
  /** HashKnownHosts. */
  hash: boolean;
  ask: Ask;
  /** Told, in a line, what did not go well and ends nothing. */
  notice: (message: string) => void;
  /** For questions and hints, see Question. */
  destination: string;
  connectCommand: string;
  /** The command that asks a person about the key, whatever `mode` is. */
  askingCommand: string;
}

export interface Acceptance {
  /** Whether the server may change what is known of it (UpdateHostKeys): a person's own file knows the key, or the person accepted it just now. */
  mayUpdate: boolean;
}

/**
 * Judges a server's host key by known_hosts and, where that is silent, by the policy.
 * @param blob a key or a certificate in wire form
 * @param peer the address that was reached; null when something else than we reached it
 * @throws SshMcpError when it is not accepted: HOST_KEY_UNKNOWN, HOST_KEY_CHANGED, HOST_KEY_REVOKED, PROTOCOL_ERROR for no key,
 *   CONFIG_INVALID when RevokedHostKeys cannot be read
 */
export const acceptHostKey = async (policy: HostKeyPolicy, blob: Buffer, peer: string | null): Promise<Acceptance> => {
  const { at, known, mode, revokedFile, caSignatureAlgorithms } = policy;
  const shown = readShownKey(blob);
  if (revokedFile !== null && (await isRevokedByFile(revokedFile, shown)))
    throw revokedKey(policy, shown.key, revokedFile);
  if (policy.trustsLoopback && at.alias == null && isLoopback(peer)) return { mayUpdate: false };
  const name = at.alias == null ? at.host : lowerCase(at.alias);
  const now = BigInt(Math.floor(Date.now() / 1000));
  const judgement = judgeHostKey(known, shown, { name, now, caSignatureAlgorithms });
  const { verdict, key, byAuthority } = judgement;
  switch (verdict.status) {
    case "match":
      return { mayUpdate: !byAuthority && isOfUser(policy, verdict.by) };
    case "revoked":
      throw revokedKey(policy, key, `${verdict.by.file}:${verdict.by.line}`);
    case "changed":
      throw changedKey(policy, judgement, verdict.known);
    case "unknown":
      break;
  }
  // Where nothing may be written down, ssh takes no key that is not known, and asks nobody.
  if (mode === "yes" || policy.userFiles.length === 0) throw unknown(policy, judgement);
  if (mode === "ask") await confirm(policy, judgement, peer);
  const isRecorded = await record(policy, key);
  return { mayUpdate: mode === "ask" && isRecorded };
};

/** As in ssh, a key that cannot be written down is as good for this once. @returns whether it is written down */
const record = async ({ at, userFiles, hash, notice }: HostKeyPolicy, key: Uint8Array): Promise<boolean> => {
  const [file] = userFiles;
  if (file === undefined) return false;
  try {
    await appendKnownHost(file, at, key, { hash });
    return true;
  } catch (error) {
    if (!(error instanceof SshMcpError)) throw error;
    notice(`${error.message}: it will be unknown the next time`);
    return false;
  }
};

/** A key that is known without the port only is no reason to write one down with it. */
const isOfUser = ({ known, userFiles }: HostKeyPolicy, by: KnownKey): boolean =>
  userFiles.includes(by.file) && known.keys.includes(by);

const isLoopback = (address: string | null): boolean =>
  address !== null && isIP(address) !== 0 && /^(127\.|::1$|::ffff:127\.)/.test(address);

const confirm = async (policy: HostKeyPolicy, judgement: Judgement, peer: string | null): Promise<void> => {
  const shown = fingerprint(judgement.key);
  const { at, known, destination, connectCommand } = policy;
  const wanted = unknownKey(policy, judgement);
  const files = [...policy.userFiles, ...policy.globalFiles];
  let text = await questionText({ at, known, peer, files }, judgement);
  for (;;) {
    const answer = (
      await policy.ask({ kind: "host-key", text, echo: true, destination, wanted, connectCommand })
    ).trim();
    if (answer.toLowerCase() === "yes" || answer === shown) return;
    if (answer === "" || answer.toLowerCase() === "no") throw unknown(policy, judgement);
    text = "Please type 'yes', 'no' or the fingerprint: ";
  }
};

/** The key, what is wrong with its certificate, and what known_hosts could not be asked about it. */
const unknownKey = ({ known }: HostKeyPolicy, { key, passedOver }: Judgement): string =>
  [describeKey(key), ...certificateNote(passedOver), ...problemsOf(known)].join("; ");

const certificateNote = (passedOver: string | null): string[] =>
  passedOver === null ? [] : [`its certificate ${passedOver}`];

const unknown = (policy: HostKeyPolicy, judgement: Judgement): SshMcpError =>
  new SshMcpError(
    "HOST_KEY_UNKNOWN",
    `the host key of ${where(policy)} is not known and was not accepted: ${unknownKey(policy, judgement)}`,
    {
      hint: policy.mode === "ask" ? policy.connectCommand : policy.askingCommand,
    },
  );

/** @param known what is known in its place */
export const changedKey = (
  policy: HostKeyPolicy,
  { key, passedOver }: Pick<Judgement, "key" | "passedOver">,
  known: readonly KnownKey[],
): SshMcpError => {
  const expected = known.map((entry) => `${describeKey(entry.key)} (${entry.file}:${entry.line})`).join(", ");
  const files = [...new Set(known.map((entry) => entry.file))];
  const shown = [describeKey(key), ...certificateNote(passedOver)].join("; ");
  return new SshMcpError(
    "HOST_KEY_CHANGED",
    `the host key of ${where(policy)} has changed: it shows ${shown}, known is ${expected}; somebody may be in between: forget the old key only when the server's owner confirms the new one`,
    {
      hint: `ssh-keygen -R ${quoteWord(policy.known.name)} -f ${quoteWord(files[0] ?? "")}`,
    },
  );
};

/** @param by the file, and in known_hosts the line */
export const revokedKey = (policy: HostKeyPolicy, key: Uint8Array, by: string): SshMcpError =>
  new SshMcpError(
    "HOST_KEY_REVOKED",
    `the host key of ${where(policy)} is marked as revoked: ${describeKey(key)} (${escapeLine(by)})`,
    { hint: `ssh-keyscan -p ${policy.at.port} ${quoteWord(policy.at.host)}` },
  );

const where = ({ at }: HostKeyPolicy): string => `${at.host} port ${at.port}`;
