/** Whether known_hosts files know a name at all: on any port, and whatever its keys are. */
import { lowerCase, matchHostname } from "../../config/ssh-config/match-pattern.ts";
import { type KnownHostsProblem, knownHostName, piecesOf } from "./known-hosts.ts";
import { fields, hashedMatcher } from "./known-hosts-line.ts";

/** A hashed entry hides its port: it is tried with this one, and with the first few that are known otherwise. */
const usualPort = 22;
const triedPorts = 8;
/** Hashes that are tried at once: some milliseconds. */
const pieceLength = 200;

/**
 * A name that is hashed is found under the usual port, the given ones and those that other entries have: under another
 * port it cannot be told. Everybody else has a turn after each piece of a file. Files that cannot be read know nobody.
 * @param ports to try first
 */
export const isKnownHostName = async (
  files: readonly string[],
  host: string,
  ports: readonly number[],
): Promise<boolean> => {
  const name = lowerCase(host);
  const problems: KnownHostsProblem[] = [];
  const hashed: string[] = [];
  const tried = new Set([usualPort, ...ports]);
  for (const file of files) {
    for (const lines of piecesOf(file, problems)) {
      for (const line of lines) {
        const [, marker = "", hosts = ""] = fields.exec(line) ?? [];
        // Authorities and revoked keys are listed for whole domains.
        if (marker !== "" || hosts === "" || hosts.startsWith("#")) continue;
        if (hosts.startsWith("|")) hashed.push(hosts);
        else if (matchHostname(name, withoutPorts(hosts, tried))) return true;
      }
      await new Promise(setImmediate);
    }
  }
  const names = [...tried].slice(0, triedPorts).map((port) => knownHostName({ host, port }));
  for (let at = 0; at < hashed.length; at += pieceLength) {
    const isAmong = hashed.slice(at, at + pieceLength).some((hosts) => names.some(hashedMatcher(hosts) ?? noName));
    if (isAmong) return true;
    await new Promise(setImmediate);
  }
  return false;
};

const noName = (): boolean => false;

/** `[name]:2222,other` as `name,other`. @param ports where the ports go */
const withoutPorts = (hosts: string, ports: Set<number>): string =>
  hosts.replace(
    /(^|,)(!?)\[([^\]]*)\]:(\d{1,5})(?=,|$)/g,
    (_, before: string, negation: string, host: string, port: string) => {
      ports.add(Number(port));
      return `${before}${negation}${host}`;
    },
  );
