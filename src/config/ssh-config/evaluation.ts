/** Reading parsed files for one host, once or twice: which blocks apply, and which lines are met. */
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";
import { suggest } from "../../core/suggest.ts";
import type { Directive } from "./directive.ts";
import { expandHostName, expandLocalCommand } from "./expand.ts";
import type { Block, ConfigFile } from "./files/parser.ts";
import { hostMatches } from "./host-lines.ts";
import { currentKeywords, type Keyword, keywordNamed } from "./keywords.ts";
import type { Commands, Variables } from "./known-facts.ts";
import { evaluateMatch } from "./match.ts";
import { matchPatternList } from "./match-pattern.ts";
import { describeOrigin, invalidAt, type Origin, requestOrigin, unsupportedAt } from "./origin.ts";
import { checkVariables, isTakenAnywhere } from "./unmet-lines.ts";
import { parsePortNumber } from "./values/port-number.ts";
import { afterDelimiter, line as wholeLine } from "./values/value-checks.ts";

/** What reading needs to know of the world. */
export interface EvaluationWorld {
  home: string;
  localUser: string;
  variables: Variables;
  commands: Commands;
}

/** SSH_MAX_IDENTITY_FILES and SSH_MAX_CERTIFICATE_FILES. */
const mostFiles = 100;
/** What ssh has settled when it reads the configuration again. */
const settledByThen: ReadonlySet<string> = new Set([
  ...["hostname", "canonicalizehostname", "canonicalizemaxdots", "canonicalizefallbacklocal"],
]);
export class Evaluation {
  /** The lines that were met, by keyword (an alias's lines are those of what it stands for), as ssh meets them. */
  readonly directives = new Map<string, Directive[]>();
  /** Those of ProxyJump and ProxyCommand, in one order. */
  readonly proxies: Directive[] = [];
  /** Whether a `Match final` asks for a second reading. */
  wantsFinalReading = false;
  readonly #typed: string;
  readonly #world: EvaluationWorld;
  /** Files whose commands are not run. */
  readonly #unsafe = new Set<string>();
  readonly #system = new Set<string>();
  /** The host in the second reading; null in the first. */
  #finalHost: string | null = null;

  /** @param host as typed */
  constructor(host: string, world: EvaluationWorld) {
    this.#typed = host;
    this.#world = world;
  }

  /** The first line of a keyword. */
  first(keyword: string): Directive | undefined {
    return this.directives.get(keyword)?.[0];
  }

  /** The user as far as is known. */
  user(): string {
    return this.first("user")?.args[0] ?? this.#world.localUser;
  }

  /** The host as far as is known. */
  hostname(): string {
    if (this.#finalHost !== null) return this.#finalHost;
    const named = this.first("hostname");
    return named === undefined ? this.#typed : expandHostName(named.args[0] ?? "", this.#typed, named.origin);
  }

  /** @param host what is dialled: Host lines are for that name now, and `Match final` holds */
  beginFinalReading(host: string): void {
    this.#finalHost = host;
  }

  /** @throws SshMcpError CONFIG_INVALID, INVALID_INPUT or UNSUPPORTED */
  read(file: ConfigFile): void {
    this.#walk(file, true);
  }

  /**
   * A file that others may write to names no command: ssh would run it.
   * @throws SshMcpError CONFIG_INVALID
   */
  mustBeSafe(origin: Origin, title: string): void {
    if (origin.file === null || !this.#unsafe.has(origin.file)) return;
    throw new SshMcpError(
      "CONFIG_INVALID",
      `${describeOrigin(origin)}: ${title} is run from files alone that are yours or root's, and that nobody else may write to`,
      { hint: `ls -l ${quoteWord(origin.file)}` },
    );
  }

  /**
   * @param reached whether the place the file stands at applies; where it does
   *   not, its lines are checked and nothing more
   */
  #walk(file: ConfigFile, reached: boolean): void {
    if (!file.isSafe) this.#unsafe.add(file.path);
    if (file.owner === "system") this.#system.add(file.path);
    for (const block of file.blocks) {
      const applies = this.#applies(block, reached);
      if (!applies && block.isIdle) continue;
      for (const entry of block.entries) {
        if (entry.kind === "malformed") throw entry.error;
        if (entry.kind === "directive") this.apply(entry, applies);
        else for (const included of entry.files) this.#walk(included, applies);
      }
    }
  }

  #applies(block: Block, reached: boolean): boolean {
    switch (block.kind) {
      case "inherited":
        return reached;
      case "host":
        return reached && hostMatches(block.patterns, this.#finalHost ?? this.#typed);
      case "match":
        // As in ssh, wherever it stands.
        if (block.criteria.some(({ name }) => name === "final")) this.wantsFinalReading = true;
        return evaluateMatch(block.criteria, this.#matchFacts(block.origin), reached, block.origin);
    }
  }

  #matchFacts(origin: Origin) {
    const facts = {
      host: this.hostname(),
      originalHost: this.#typed,
      user: this.user(),
      localUser: this.#world.localUser,
    };
    return {
      ...facts,
      tag: this.first("tag")?.args[0] ?? "",
      isFinal: this.#finalHost !== null,
      succeeds: (command: string, decides: boolean): boolean => {
        const keyAlias = this.first("hostkeyalias")?.args[0] ?? facts.host;
        const port = parsePortNumber(this.first("port")?.args[0] ?? "") ?? 22;
        const line = expandLocalCommand(command, { ...facts, keyAlias, port, home: this.#world.home }, origin);
        if (!decides) return false;
        this.mustBeSafe(origin, "Match exec");
        return this.#world.commands.succeeds(line, describeOrigin(origin));
      },
    };
  }

  /**
   * Keeps a line, if its block applies.
   * @param directive its form was checked: `checkLine`
   * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for one that ssh does not take, UNSUPPORTED for one we cannot obey
   */
  apply(directive: Directive, applies: boolean): void {
    const keyword = keywordNamed(directive.keyword);
    if (keyword === undefined) {
      const ignored = this.first("ignoreunknown")?.args[0];
      if (ignored !== undefined && matchPatternList(directive.keyword, ignored, true)) return;
      throw unknownKeyword(directive);
    }
    checkVariables(directive, keyword, this.#world.variables);
    const { name } = keyword;
    if (!applies && !isTakenAnywhere(name)) return;
    if (this.#finalHost !== null && settledByThen.has(name)) return;
    // A list that names nothing sets nothing.
    if (directive.args.length === 0 && keyword.check !== wholeLine && name !== "proxyjump") return;
    const met = this.directives.get(name);
    if (name === "identityfile" || name === "certificatefile") {
      // The second reading meets the same lines again. Whoever names a file, names it for himself: add_identity_file.
      const by = this.#namedBy(directive);
      if (met?.some((one) => one.args[0] === directive.args[0] && this.#namedBy(one) === by)) return;
      if (met?.length === mostFiles)
        throw invalidAt(directive.origin, `${keyword.title} is given over ${mostFiles} times`);
    }
    if (met === undefined) this.directives.set(name, [directive]);
    else met.push(directive);
    if (name === "proxyjump" || name === "proxycommand") this.proxies.push(directive);
    if (keyword.use === "refused" && met === undefined) this.#refuse(directive, keyword);
  }

  #namedBy({ origin }: Directive): "request" | "user" | "system" {
    if (origin === requestOrigin) return "request";
    return origin.file !== null && this.#system.has(origin.file) ? "system" : "user";
  }

  #refuse(directive: Directive, keyword: Keyword & { use: "refused" }): void {
    const { origin, rest, args } = directive;
    if (keyword.harmless.test(keyword.check === wholeLine ? afterDelimiter(rest) : (args[0] ?? ""))) return;
    if (keyword.name === "refuseconnection") {
      throw new SshMcpError("PRECONDITION_FAILED", `${describeOrigin(origin)}: ${shown(args.join(" "))}`, {
        hint: "man ssh_config",
      });
    }
    throw unsupportedAt(origin, `${keyword.title} applies to ${this.#typed} and is not supported`);
  }
}

const unknownKeyword = ({ keyword, origin }: Directive): SshMcpError => {
  const near = suggest(keyword, currentKeywords);
  const message = `there is no keyword ${shown(keyword)}${near === null ? "" : `; did you mean ${near}?`}`;
  if (origin.file !== null || near === null || origin === requestOrigin) return invalidAt(origin, message);
  return new SshMcpError("INVALID_INPUT", `-o: ${message}`, { hint: `ssh-mcp connect -o ${near}=VALUE DESTINATION` });
};
