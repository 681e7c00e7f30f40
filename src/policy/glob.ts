/**
 * Whether a name matches a pattern of `*` (any characters) and `?` (one character); everything else is itself, in either case,
 * as host names are: `PROD-db` does not slip past `prod-*`. Takes time in pattern times name at the worst: no regular
 * expression, so that no pattern can stall the broker.
 */
export const globMatches = (pattern: string, name: string): boolean => {
  const wanted = [...pattern.toLowerCase()];
  const given = [...name.toLowerCase()];
  let at = 0;
  let star = -1;
  let resume = 0;
  for (let i = 0; i < given.length; ) {
    if (wanted[at] === "*") {
      star = at++;
      resume = i;
    } else if (wanted[at] === "?" || wanted[at] === given[i]) {
      at++;
      i++;
    } else if (star !== -1) {
      // The last star takes one character more; stars before it never need to.
      at = star + 1;
      i = ++resume;
    } else {
      return false;
    }
  }
  while (wanted[at] === "*") at++;
  return at === wanted.length;
};
