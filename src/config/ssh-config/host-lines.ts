/** The `Host` lines of ssh_config(5). */
import { matchGlob } from "../../core/glob.ts";
import type { ConfigFile, HostPattern } from "./files/parser.ts";
import type { Origin } from "./origin.ts";

/** Whether a Host line applies: a pattern matches, and none of the negated ones does. */
export const hostMatches = (patterns: readonly HostPattern[], host: string): boolean =>
  patterns.some((one) => !one.negated && matches(host, one)) &&
  !patterns.some((one) => one.negated && matches(host, one));

const matches = (host: string, { pattern, isName }: HostPattern): boolean =>
  isName ? host === pattern : matchGlob(host, pattern);

/**
 * Whether a Host line that is reached names this host without wildcards. What lies behind a Match counts as reached.
 */
export const namesHost = (file: ConfigFile, host: string): boolean =>
  file.blocks.some((block) => {
    if (block.kind === "host") {
      if (!hostMatches(block.patterns, host)) return false;
      if (block.patterns.some(({ negated, pattern, isName }) => !negated && isName && pattern === host)) return true;
    }
    return block.entries.some((entry) => entry.kind === "include" && entry.files.some((one) => namesHost(one, host)));
  });

/** A host that a configuration names. */
export interface Alias {
  name: string;
  /** The Host line. */
  origin: Origin;
}

/** The hosts that Host lines name without wildcards, in the order of the file. One may come more than once. */
export const aliasesIn = (file: ConfigFile): Alias[] =>
  file.blocks.flatMap((block) => [
    ...(block.kind === "host"
      ? block.patterns
          .filter(({ negated, isName }) => !negated && isName)
          .map(({ pattern }) => ({ name: pattern, origin: block.origin }))
      : []),
    ...block.entries.flatMap((entry) => (entry.kind === "include" ? entry.files.flatMap(aliasesIn) : [])),
  ]);
