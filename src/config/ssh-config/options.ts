/** `-o Keyword=value`, and the other arguments that mean a keyword. */

import type { Directive } from "./directive.ts";
import { lexLine } from "./files/lexer.ts";
import { invalidAt, type Origin, requestOrigin } from "./origin.ts";

/**
 * All that ssh takes there.
 * @param options `Keyword=value` or `Keyword value`, cut as a line of the file is
 * @throws SshMcpError INVALID_INPUT for no keyword, or one that only a file has
 */
export const parseOptions = (options: readonly string[]): Directive[] =>
  options.map((option, index) => {
    const origin: Origin = { file: null, line: index + 1 };
    const line = lexLine(option, origin);
    if (line === null) throw invalidAt(origin, "there is no keyword in it");
    if (filesAlone.has(line.keyword)) throw invalidAt(origin, `${line.keyword} is for files: -F names one`);
    return { kind: "directive", origin, ...line };
  });

const filesAlone: ReadonlySet<string> = new Set(["host", "match", "include"]);

/** A value that came as an argument of its own (`-l`, `-p`, `-i`, `user@`), taken as it is. */
export const requestDirective = (keyword: string, value: string): Directive => ({
  kind: "directive",
  origin: requestOrigin,
  keyword,
  args: [value],
  rest: value,
});
