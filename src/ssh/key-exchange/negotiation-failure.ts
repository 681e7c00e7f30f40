/** What is said when the two sides have no algorithm in common (RFC 4253, section 7.1). */
import type { AlgorithmKind } from "../../config/ssh-config/values/algorithm-list.ts";
import { parseDestination } from "../../core/destination.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";
import { defaultAlgorithms, keywordOf, legacyAlgorithms, supportedAlgorithms } from "./algorithms.ts";
import type { Offer } from "./ssh2-key-exchange.ts";

/** Characters of each side's list that are shown. */
const shownLimit = 400;

const kinds: readonly { words: RegExp; kind: AlgorithmKind; name: string; of: (offer: Offer) => readonly string[] }[] =
  [
    { words: /key exchange/i, kind: "kex", name: "key exchange method", of: (offer) => offer.kex },
    { words: /host key/i, kind: "hostKey", name: "host key algorithm", of: (offer) => offer.serverHostKey },
    { words: /C->S cipher/i, kind: "cipher", name: "cipher", of: (offer) => offer.cs.cipher },
    { words: /S->C cipher/i, kind: "cipher", name: "cipher", of: (offer) => offer.sc.cipher },
    { words: /C->S MAC/i, kind: "mac", name: "MAC", of: (offer) => offer.cs.mac },
    { words: /S->C MAC/i, kind: "mac", name: "MAC", of: (offer) => offer.sc.mac },
  ];

/**
 * @param text what ssh2 says: `no matching key exchange algorithm`
 * @param ours what we offered
 * @param theirs what the server offered: untrusted
 * @param destination the host as it is typed, for the lines of configuration that would help
 */
export const negotiationFailure = (
  text: string,
  ours: Offer,
  theirs: Offer,
  { where, destination }: { where: string; destination: string },
): SshMcpError => {
  const failed = kinds.find(({ words }) => words.test(text));
  if (failed === undefined) {
    return new SshMcpError("NO_COMMON_ALGORITHM", `${where} and ssh-mcp have nothing in common: ${escapeLine(text)}`);
  }
  const { kind, name, of } = failed;
  const offered = of(theirs).filter((each) => !isMarker(each));
  const matching = offered.filter((each) => supportedAlgorithms[kind].includes(each));
  const message = `${where} and ssh-mcp have no ${name} in common: the server offers ${list(offered)}; ssh-mcp offers ${list(of(ours).filter((each) => !isMarker(each)))}`;
  const [wanted] = supportedAlgorithms[kind].filter((each) => matching.includes(each));
  if (wanted === undefined) {
    return new SshMcpError("NO_COMMON_ALGORITHM", `${message}; nothing of what it offers can be had`);
  }
  // A line that says what is offered: another one below it would change nothing.
  const isRestricted = !defaultAlgorithms[kind].every((each) => isCertificate(each) || of(ours).includes(each));
  if (isRestricted) {
    return new SshMcpError("NO_COMMON_ALGORITHM", `${message}; ${keywordOf(kind)} is set, and leaves out ${wanted}`, {
      hint: `ssh-mcp hosts show ${quoteWord(hostOf(destination))}`,
    });
  }
  const line = `${keywordOf(kind)} +${wanted}`;
  const legacy = legacyAlgorithms[kind].includes(wanted)
    ? `, or "legacy = true" under ${tableOf(destination)} in config.toml`
    : "";
  return new SshMcpError("NO_COMMON_ALGORITHM", message, {
    hint: `add "${line}" under "Host ${hostOf(destination)}" in ssh_config${legacy}`,
  });
};

/** Who looks at a server's keys asks for no certificates. */
const isCertificate = (name: string): boolean => name.endsWith("-cert-v01@openssh.com");

/** What stands in the list of methods and is none: RFC 8308, OpenSSH's strict key exchange, Dropbear's guess. */
const isMarker = (name: string): boolean =>
  /^(ext-info-[cs]|kex-strict-[cs]-v00@openssh\.com|kexguess2@matt\.ucc\.asn\.au)$/.test(name);

const list = (names: readonly string[]): string => {
  if (names.length === 0) return "nothing";
  const text = escapeLine(names.join(","));
  return text.length <= shownLimit ? text : `${text.slice(0, shownLimit)}…`;
};

const hostOf = (destination: string): string => parseDestination(destination).host;

const tableOf = (destination: string): string => {
  const host = hostOf(destination);
  return /^[A-Za-z0-9_-]+$/.test(host) ? `[host.${host}]` : `[host."${host}"]`;
};
