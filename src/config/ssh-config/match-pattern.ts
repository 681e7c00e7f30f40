/** The patterns of ssh_config(5), section PATTERNS, which known_hosts shares: `*`, `?`, comma lists, and `!`. */
import { matchGlob } from "../../core/glob.ts";

/** Lower case of ASCII letters alone, as OpenSSH folds names. */
export const lowerCase = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** A longer pattern in a list ends the list: OpenSSH reads patterns into a buffer of this size. */
const longestPattern = 1022;

/**
 * Whether a comma list of patterns matches: at least one plain pattern does, and no `!pattern` does.
 * @param fold lowers the patterns first; the text is then expected in lower case
 */
export const matchPatternList = (text: string, list: string, fold: boolean): boolean => {
  let matched = false;
  for (const written of list.split(",")) {
    const negated = written.startsWith("!");
    const pattern = negated ? written.slice(1) : written;
    if (pattern.length > longestPattern) return false;
    if (!matchGlob(text, fold ? lowerCase(pattern) : pattern)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
};

/** Whether a host name matches a comma list of patterns, whatever the case of either. */
export const matchHostname = (host: string, list: string): boolean => matchPatternList(lowerCase(host), list, true);
