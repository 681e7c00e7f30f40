/** `-o Keyword=value`, and the other arguments that mean a keyword. */
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { suggest } from "../../core/suggest.ts";
import { keywordNamed, optionKeywords } from "./keywords.ts";
import { lexLine } from "./lexer.ts";
import { invalidAt, type Origin, requestOrigin } from "./origin.ts";
import type { Directive } from "./parser.ts";

/**
 * @param options `Keyword=value` or `Keyword value`, cut as a line of the file is
 * @throws SshMcpError INVALID_INPUT for no or an unknown keyword, UNSUPPORTED for one that is not taken here
 */
export const parseOptions = (options: readonly string[]): Directive[] =>
  options.map((option, index) => {
    const origin: Origin = { file: null, line: index + 1 };
    const line = lexLine(option, origin);
    if (line === null) throw invalidAt(origin, "there is no keyword in it");
    const keyword = keywordNamed(line.keyword);
    if (keyword === undefined) {
      const near = suggest(line.keyword, optionKeywords);
      const question = near === null ? "" : `; did you mean ${near}?`;
      throw new SshMcpError("INVALID_INPUT", `-o: there is no keyword ${shown(line.keyword)}${question}`, {
        hint: near === null ? "man ssh_config" : `ssh-mcp connect -o ${near}=VALUE DESTINATION`,
      });
    }
    if (keyword.use !== "acted") {
      // What is passed over has no better title than what was typed.
      const [typed = keyword.name] = /[a-z0-9]+/i.exec(option) ?? [];
      const title = keyword.use === "passed" ? typed : keyword.title;
      throw new SshMcpError("UNSUPPORTED", `-o ${title} is not supported yet; ${usable}`, { hint: "ssh-mcp --help" });
    }
    return { kind: "directive", origin, ...line };
  });

const usable = `-o takes ${optionKeywords.join(", ")}`;

/** A value that came as an argument of its own (`-l`, `-p`, `-i`, `user@`), taken as it is. */
export const requestDirective = (keyword: string, value: string): Directive => ({
  kind: "directive",
  origin: requestOrigin,
  keyword,
  args: [value],
  rest: value,
});
