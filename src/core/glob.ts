/**
 * Whether the whole text matches one pattern of `*` (any characters), `?` (one character, a code point) and literal
 * ones, as ssh_config(5) has it in its section PATTERNS. Case counts: callers who do not care lower both. Takes time in
 * pattern times text at the worst: no regular expression, so that no pattern can stall the process.
 */
export const matchGlob = (text: string, pattern: string): boolean => {
  const given = [...text];
  const wanted = [...pattern];
  let at = 0;
  let next = 0;
  let star = -1;
  let resume = 0;
  while (at < given.length) {
    if (wanted[next] === "*") {
      star = next++;
      resume = at;
    } else if (wanted[next] === "?" || wanted[next] === given[at]) {
      next++;
      at++;
    } else if (star >= 0) {
      // The last star takes one character more; stars before it never need to.
      next = star + 1;
      at = ++resume;
    } else {
      return false;
    }
  }
  while (wanted[next] === "*") next++;
  return next === wanted.length;
};
