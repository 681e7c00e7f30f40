/** The patterns of ssh_config(5), section PATTERNS, which known_hosts shares: `*`, `?`, comma lists, and `!`. */

/** Lower case of ASCII letters alone, as OpenSSH folds names. */
export const lowerCase = (text: string): string => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());

/** Whether the whole text matches one pattern of `*`, `?` and literal characters. Linear in text times stars. */
export const matchPattern = (text: string, pattern: string): boolean => {
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    const wanted = pattern[next];
    if (wanted === "*") {
      star = next++;
      resume = at;
    } else if (wanted === "?" || (wanted !== undefined && wanted === text[at])) {
      next++;
      at++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (pattern[next] === "*") next++;
  return next === pattern.length;
};

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
    if (!matchPattern(text, fold ? lowerCase(pattern) : pattern)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
};

/** Whether a host name matches a comma list of patterns, whatever the case of either. */
export const matchHostname = (host: string, list: string): boolean => matchPatternList(lowerCase(host), list, true);
