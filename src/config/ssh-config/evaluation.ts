/** Reading parsed files for one host: which blocks apply, and which value of a keyword comes first. */
import { shown } from "../../core/escape.ts";
import { matchGlob } from "../../core/glob.ts";
import { suggest } from "../../core/suggest.ts";
import { expandHostName } from "./expand.ts";
import { currentKeywords, type Keyword, keywordNamed } from "./keywords.ts";
import { evaluateMatch } from "./match.ts";
import { matchPatternList } from "./match-pattern.ts";
import { invalidAt, unsupportedAt } from "./origin.ts";
import type { Block, ConfigFile, Directive, HostPattern } from "./parser.ts";
import { checkArguments } from "./values.ts";

export class Evaluation {
  /** The first directive of each keyword, by its name. */
  readonly values = new Map<string, Directive>();
  readonly identityFiles: Directive[] = [];
  readonly #host: string;
  readonly #localUser: string;

  /** @param host as typed */
  constructor(host: string, localUser: string) {
    this.#host = host;
    this.#localUser = localUser;
  }

  /** The user as far as is known. */
  user(): string {
    return this.values.get("user")?.args[0] ?? this.#localUser;
  }

  /** @throws SshMcpError CONFIG_INVALID or UNSUPPORTED */
  read(file: ConfigFile): void {
    this.#walk(file, true);
  }

  /**
   * @param reached whether the place the file stands at applies; where it does
   *   not, its lines are checked and nothing more
   */
  #walk(file: ConfigFile, reached: boolean): void {
    for (const block of file.blocks) {
      const applies = reached && this.#applies(block);
      for (const entry of block.entries) {
        if (entry.kind === "directive") this.apply(entry, applies);
        else for (const included of entry.files) this.#walk(included, applies);
      }
    }
  }

  #applies(block: Block): boolean {
    switch (block.kind) {
      case "inherited":
        return true;
      case "host":
        return hostMatches(block.patterns, this.#host);
      case "match":
        return evaluateMatch(
          block.criteria,
          { host: this.#hostname(), originalHost: this.#host, user: this.user(), localUser: this.#localUser },
          block.origin,
        );
    }
  }

  #hostname(): string {
    const named = this.values.get("hostname");
    return named === undefined ? this.#host : expandHostName(named.args[0] ?? "", this.#host, named.origin);
  }

  /**
   * Checks a line and, if its block applies, keeps it unless its keyword has a value.
   * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for a malformed one, UNSUPPORTED for one we cannot obey
   */
  apply(directive: Directive, applies: boolean): void {
    const keyword = keywordNamed(directive.keyword);
    if (keyword === undefined) {
      const ignored = this.values.get("ignoreunknown")?.args[0];
      if (ignored !== undefined && matchPatternList(directive.keyword, ignored, true)) return;
      const near = suggest(directive.keyword, currentKeywords);
      const hint = near === null ? "" : `; did you mean ${near}?`;
      throw invalidAt(directive.origin, `there is no keyword ${shown(directive.keyword)}${hint}`);
    }
    checkArguments(directive, keyword);
    if (!applies) return;
    // A list that names nothing sets nothing.
    if (keyword.shape === "words" && directive.args.length === 0) return;
    if (keyword.name === "identityfile") this.identityFiles.push(directive);
    // ProxyJump and ProxyCommand exclude each other: whichever comes first,
    // `none` included, decides. Certificates add up.
    const slot = keyword.name === "proxycommand" ? "proxyjump" : keyword.name;
    if (this.values.has(slot) && slot !== "certificatefile") return;
    this.values.set(slot, directive);
    if (keyword.use === "refused" && !keyword.harmless.test(valueText(directive, keyword))) {
      throw unsupportedAt(directive.origin, `${keyword.title} applies to ${this.#host} and is not supported yet`);
    }
  }
}

const valueText = (directive: Directive, keyword: Keyword): string =>
  keyword.shape === "line" ? directive.rest.replace(/^[ \t\r\n=]+/, "") : (directive.args[0] ?? "");

/** Whether a Host line applies: a pattern matches, and none of the negated ones does. */
const hostMatches = (patterns: readonly HostPattern[], host: string): boolean =>
  patterns.some(({ negated, pattern }) => !negated && matchGlob(host, pattern)) &&
  !patterns.some(({ negated, pattern }) => negated && matchGlob(host, pattern));

/**
 * Whether a Host line that is reached names this host without wildcards. What lies behind a Match counts as reached.
 */
export const namesHost = (file: ConfigFile, host: string): boolean =>
  file.blocks.some((block) => {
    if (block.kind === "host") {
      if (!hostMatches(block.patterns, host)) return false;
      if (block.patterns.some(({ negated, pattern }) => !negated && pattern === host && !/[*?]/.test(host)))
        return true;
    }
    return block.entries.some((entry) => entry.kind === "include" && entry.files.some((one) => namesHost(one, host)));
  });
