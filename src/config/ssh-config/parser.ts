/** A file of ssh_config(5) as blocks, with the files it includes in their place. Nothing is evaluated here. */
import { dirname } from "node:path";
import { expandTilde } from "../../files/paths.ts";
import { isOfProcess } from "../../files/process-path.ts";
import { readConfigFile } from "./file.ts";
import { expandGlob } from "./include-glob.ts";
import { type ConfigLine, lexLine } from "./lexer.ts";
import { type Criterion, parseMatch } from "./match.ts";
import { invalidAt, type Origin } from "./origin.ts";
import type { Seen } from "./seen-files.ts";

export interface Directive extends ConfigLine {
  kind: "directive";
  origin: Origin;
}

/** Files included at this place, in order. Their own Host and Match lines end with them. */
export interface Include {
  kind: "include";
  origin: Origin;
  files: readonly ConfigFile[];
}

export interface HostPattern {
  negated: boolean;
  pattern: string;
}

/**
 * Lines under one condition. `inherited`: those before the first Host or Match, under what holds where the file stands.
 */
export type Block = { entries: readonly (Directive | Include)[] } & (
  | { kind: "inherited" }
  | { kind: "host"; patterns: readonly HostPattern[]; origin: Origin }
  | { kind: "match"; criteria: readonly Criterion[]; origin: Origin }
);

export interface ConfigFile {
  path: string;
  blocks: readonly Block[];
}

/** Whose file it is decides where relative includes lie and whether `~` is allowed in them. */
export interface ConfigScope {
  owner: "user" | "system";
  /** The user's home directory. */
  home: string;
  /** The system's file; its relative includes lie beside it. */
  systemFile: string;
  seen?: Seen | undefined;
}

/** OpenSSH's READCONF_MAX_DEPTH. */
const deepestInclude = 16;

/**
 * Reads and parses one file and all it includes.
 * @param check `default`: the user's own file, whose owner and mode must be
 *   safe; `named`: given by `-F`, or the system's
 * @returns null when the file does not exist
 * @throws SshMcpError CONFIG_INVALID naming file and line, or the file
 */
export const parseConfigFile = (path: string, check: "default" | "named", scope: ConfigScope): ConfigFile | null => {
  scope.seen?.note(path);
  const text = readConfigFile(path, check, null);
  return text === null ? null : parse(path, text, scope, 0);
};

/** The same for a text that was read elsewhere, as the user's own. @throws SshMcpError CONFIG_INVALID naming `path` and line */
export const parseConfigText = (path: string, text: string, scope: ConfigScope): ConfigFile =>
  parse(path, text, scope, 0);

const parse = (path: string, text: string, scope: ConfigScope, depth: number): ConfigFile => {
  let entries: (Directive | Include)[] = [];
  const blocks: Block[] = [{ kind: "inherited", entries }];
  const lines = text.split("\n");
  for (const [index, line] of lines.entries()) {
    const origin: Origin = { file: path, line: index + 1 };
    const lexed = lexLine(line, origin);
    if (lexed === null) continue;
    if (lexed.keyword === "host") {
      entries = [];
      blocks.push({ kind: "host", patterns: hostPatterns(lexed.args, origin), origin, entries });
    } else if (lexed.keyword === "match") {
      entries = [];
      blocks.push({ kind: "match", criteria: parseMatch(lexed.rest, origin), origin, entries });
    } else if (lexed.keyword === "include") {
      const files = lexed.args.flatMap((pattern) => includedFiles(pattern, origin, scope, depth));
      entries.push({ kind: "include", origin, files });
    } else {
      entries.push({ kind: "directive", origin, ...lexed });
    }
  }
  return { path, blocks };
};

const hostPatterns = (args: readonly string[], origin: Origin): HostPattern[] => {
  if (args.includes("")) throw invalidAt(origin, "host has an empty argument");
  return args.map((arg) => {
    const negated = arg.startsWith("!");
    return { negated, pattern: negated ? arg.slice(1) : arg };
  });
};

const includedFiles = (pattern: string, origin: Origin, scope: ConfigScope, depth: number): ConfigFile[] => {
  if (pattern === "") throw invalidAt(origin, "include has an empty argument");
  const anchored = anchor(pattern, origin, scope);
  const files: ConfigFile[] = [];
  // Whether one is there in this process says nothing: it is refused when it is read.
  for (const path of isOfProcess(anchored) ? [anchored] : expandGlob(anchored, scope.seen)) {
    if (depth >= deepestInclude) {
      throw invalidAt(origin, `files include each other more than ${deepestInclude} deep; ${path} is one too many`);
    }
    scope.seen?.note(path);
    const text = readConfigFile(path, "included", origin);
    if (text !== null) files.push(parse(path, text, scope, depth + 1));
  }
  return files;
};

const anchor = (pattern: string, origin: Origin, scope: ConfigScope): string => {
  if (pattern.startsWith("/")) return pattern;
  if (!pattern.startsWith("~")) {
    return `${scope.owner === "user" ? `${scope.home}/.ssh` : dirname(scope.systemFile)}/${pattern}`;
  }
  if (scope.owner === "system") throw invalidAt(origin, `the system's file cannot include ${pattern}`);
  const expanded = expandTilde(pattern, scope.home);
  if (expanded === null) throw invalidAt(origin, `include of ${pattern}: there is no such user`);
  return expanded;
};
