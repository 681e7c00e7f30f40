/** A file of ssh_config(5) as blocks, with the files it includes in their place. Nothing is evaluated here. */
import { dirname } from "node:path";
import { SshMcpError } from "../../core/errors.ts";
import { expandTilde } from "../../files/paths.ts";
import { isOfProcess } from "../../files/process-path.ts";
import { type ConfigText, readConfigFile } from "./file.ts";
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

/** A line that ssh would not read. It is refused when the lines before it have been: the first mistake is the one to hear of. */
export interface Malformed {
  kind: "malformed";
  error: SshMcpError;
}

export type Entry = Directive | Include | Malformed;

export interface HostPattern {
  negated: boolean;
  pattern: string;
}

/**
 * Lines under one condition. `inherited`: those before the first Host or Match, under what holds where the file stands.
 */
export type Block = { entries: readonly Entry[] } & (
  | { kind: "inherited" }
  | { kind: "host"; patterns: readonly HostPattern[]; origin: Origin }
  | { kind: "match"; criteria: readonly Criterion[]; origin: Origin }
);

export interface ConfigFile {
  path: string;
  blocks: readonly Block[];
  owner: ConfigScope["owner"];
  /** Whether commands that it names are run: nobody but the user and root may write to it. */
  isSafe: boolean;
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
 * Reads and parses one file and all it includes. What is wrong in them is an entry of its own.
 * @param check `default`: the user's own file, whose owner and mode must be
 *   safe; `named`: given by `-F`, or the system's
 * @returns null when the file does not exist
 * @throws SshMcpError CONFIG_INVALID for a file that cannot be read, or may be written by others
 */
export const parseConfigFile = (path: string, check: "default" | "named", scope: ConfigScope): ConfigFile | null => {
  scope.seen?.note(path);
  const file = readConfigFile(path, check, null, scope.seen);
  return file === null ? null : parse(path, file, scope, 0);
};

/** The same for a text that was read elsewhere, as the user's own. */
export const parseConfigText = (path: string, text: string, scope: ConfigScope): ConfigFile =>
  parse(path, { text, isSafe: true }, scope, 0);

const parse = (path: string, { text, isSafe }: ConfigText, scope: ConfigScope, depth: number): ConfigFile => {
  let entries: Entry[] = [];
  const blocks: Block[] = [{ kind: "inherited", entries }];
  const read = (line: string, origin: Origin): void => {
    const lexed = lexLine(line, origin);
    if (lexed === null) return;
    if (lexed.keyword === "host") {
      const patterns = hostPatterns(lexed.args, origin);
      entries = [];
      blocks.push({ kind: "host", patterns, origin, entries });
    } else if (lexed.keyword === "match") {
      const criteria = parseMatch(lexed.rest, origin);
      entries = [];
      blocks.push({ kind: "match", criteria, origin, entries });
    } else if (lexed.keyword === "include") {
      const files: ConfigFile[] = [];
      entries.push({ kind: "include", origin, files });
      for (const pattern of lexed.args) includeFiles(files, pattern, origin, scope, depth);
    } else {
      entries.push({ kind: "directive", origin, ...lexed });
    }
  };
  for (const [index, line] of text.split("\n").entries()) {
    try {
      read(line, { file: path, line: index + 1 });
    } catch (error) {
      if (!(error instanceof SshMcpError)) throw error;
      entries.push({ kind: "malformed", error });
      // Nothing behind it is ever reached.
      break;
    }
  }
  return { path, blocks, owner: scope.owner, isSafe };
};

const hostPatterns = (args: readonly string[], origin: Origin): HostPattern[] => {
  if (args.includes("")) throw invalidAt(origin, "host has an empty argument");
  return args.map((arg) => {
    const negated = arg.startsWith("!");
    return { negated, pattern: negated ? arg.slice(1) : arg };
  });
};

/** @param files gets what the pattern means: what comes before one that cannot be read is read */
const includeFiles = (
  files: ConfigFile[],
  pattern: string,
  origin: Origin,
  scope: ConfigScope,
  depth: number,
): void => {
  if (pattern === "") throw invalidAt(origin, "include has an empty argument");
  const anchored = anchor(pattern, origin, scope);
  // Whether one is there in this process says nothing: it is refused when it is read.
  for (const path of isOfProcess(anchored) ? [anchored] : expandGlob(anchored, scope.seen)) {
    if (depth >= deepestInclude) {
      throw invalidAt(origin, `files include each other more than ${deepestInclude} deep; ${path} is one too many`);
    }
    scope.seen?.note(path);
    const file = readConfigFile(path, "included", origin, scope.seen);
    if (file !== null) files.push(parse(path, file, scope, depth + 1));
  }
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
