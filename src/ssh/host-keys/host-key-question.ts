/** What a person is asked about a host key, in the words of ssh (sshconnect.c of OpenSSH 9.2). */
import { escapeLine } from "../../core/escape.ts";
import { fingerprint, keyType } from "../public-key.ts";
import type { Judgement } from "./judge-host-key.ts";
import { type HostAndPort, type KnownHost, type KnownHostsProblem, knownHostName, piecesOf } from "./known-hosts.ts";
import { fields, parseKnownHostsLine } from "./known-hosts-line.ts";
import type { HostKeyChange } from "./update-host-keys.ts";

export interface QuestionFacts {
  at: HostAndPort;
  known: KnownHost;
  /** The address that was reached; null when something else than we reached it. */
  peer: string | null;
  /** All of them, in the order to search. */
  files: readonly string[];
}

/** Where else a key is known: ssh's MAX_OTHER_NAMES. */
const listedNames = 8;
/** Lines of known_hosts that are complained of. */
const listedProblems = 3;

/** @returns all of it, the last line being the prompt */
export const questionText = async (facts: QuestionFacts, { key, passedOver }: Judgement): Promise<string> => {
  const { at, known, peer, files } = facts;
  const address = peer === null ? "" : ` (${knownHostName({ host: peer, port: at.port })})`;
  return [
    `The authenticity of host '${escapeLine(known.name)}${address}' can't be established.`,
    `${shownType(key)} key fingerprint is ${fingerprint(key)}.`,
    ...(passedOver === null ? [] : [`Its certificate ${passedOver}.`]),
    ...problemsOf(known),
    ...(await otherNames(files, known.name, key)),
    "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
  ].join("\n");
};

/** What is said before a server's word on its other keys is taken, and the prompt. Each in ssh's words (clientloop.c of OpenSSH 9.2). */
export const changeText = ({ added, removed }: HostKeyChange): { facts: readonly string[]; prompt: string } => {
  const shown = (what: string) => (key: Uint8Array) => `${what} hostkey: ${shownType(key)} ${fingerprint(key)}`;
  return {
    facts: [
      "The server has updated its host keys.",
      "These changes were verified by the server's existing trusted key.",
      ...added.map(shown("Learned new")),
      ...removed.map(shown("Deprecating obsolete")),
    ],
    prompt: "Accept updated hostkeys? (yes/no): ",
  };
};

/** The type as ssh shows it: `ED25519`, `ECDSA`, `ECDSA-SK`. */
export const shownType = (key: Uint8Array): string => {
  const type = keyType(key);
  const name = /^(?:sk-)?(?:ssh-)?(ecdsa|[a-z0-9]+)/.exec(type)?.[1] ?? type;
  return (name === "dss" ? "dsa" : name).toUpperCase() + (type.startsWith("sk-") ? "-SK" : "");
};

/** Lines that could not be used, and files that could not be read: `FILE:LINE: why`. */
export const problemsOf = ({ problems }: Pick<KnownHost, "problems">): string[] => {
  const shown = problems.slice(0, listedProblems).map(problemText);
  const more = problems.length - shown.length;
  return more > 0 ? [...shown, `and ${more} more lines of known_hosts that cannot be used`] : shown;
};

const problemText = ({ file, line, message }: KnownHostsProblem): string =>
  `${escapeLine(file)}${line === null ? "" : `:${line}`}: ${escapeLine(message)}`;

const otherNames = async (files: readonly string[], name: string, key: Uint8Array): Promise<string[]> => {
  const encoded = Buffer.from(key).toString("base64");
  const found: string[] = [];
  for (const file of files) {
    let line = 0;
    for (const lines of piecesOf(file, [])) {
      for (const text of lines) {
        line++;
        if (!text.includes(encoded)) continue;
        const [, marker = "", hosts = "", , listed = ""] = fields.exec(text) ?? [];
        if (marker !== "" || listed.trimEnd() !== encoded || parseKnownHostsLine(text, [name]) !== null) continue;
        found.push(`    ${escapeLine(file)}:${line}: ${hosts.startsWith("|") ? "[hashed name]" : escapeLine(hosts)}`);
      }
      await new Promise(setImmediate);
    }
  }
  if (found.length === 0) return ["This key is not known by any other names."];
  const more = found.length - listedNames;
  return [
    "This host key is known by the following other names/addresses:",
    ...found.slice(0, listedNames),
    ...(more > 0 ? [`    (${more} additional names omitted)`] : []),
  ];
};
