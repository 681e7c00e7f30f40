/** A file of ssh_config(5) as blocks, with the files it includes in their place. Nothing is evaluated here. */
import { dirname } from "node:path";
import { SshMcpError } from "../../../core/errors.ts";
import { expandTilde } from "../../../files/paths.ts";
import { isOfProcess } from "../../../files/process-path.ts";
import type { Directive } from "../directive.ts";
import { type Criterion, parseMatch } from "../match.ts";
import { invalidAt, type Origin } from "../origin.ts";
import { checkLine, isIdle } from "../unmet-lines.ts";
import { type ConfigText, mostMebibytes, readConfigFile } from "./file.ts";
import { expandGlob } from "./include-glob.ts";
import { lexLine } from "./lexer.ts";
import type { Seen } from "./seen-files.ts";

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
  /** Whether it is no pattern but a name: a configuration may have thousands. */
  isName: boolean;
}

/**
 * Lines under one condition. `inherited`: those before the first Host or Match, under what holds where the file stands.
 */
export type Block = {
  entries: readonly Entry[];
  /** Whether its lines say nothing at all to a host for which they are not. */
  isIdle: boolean;
} & (
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

/** One that lines are still added to. */
type Opened<T extends Block> = T extends Block ? Omit<T, "entries"> & { entries: Entry[] } : never;

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
/** Far over what anybody has. ssh has no such limit, and reads on for as long as it takes. */
const mostFiles = 4096;

/** What one reading of a configuration has come to. */
interface Reading {
  scope: ConfigScope;
  files: number;
  /** Left to be read. */
  bytes: number;
  /** Whether there is a mistake behind which nothing is ever reached, in whatever file. */
  isBroken: boolean;
}

/** A reading that others may have their turn in. */
export type Steps<T> = Generator<void, T>;

/** Some tenths of a millisecond. */
const linesPerStep = 128;

/**
 * Reads and parses one file and all it includes. What is wrong in them is an entry of its own.
 * @param check `default`: the user's own file, whose owner and mode must be
 *   safe; `named`: given by `-F`, or the system's
 * @returns null when the file does not exist
 * @throws SshMcpError CONFIG_INVALID for a file that cannot be read, or may be written by others
 */
export function* parseConfigFile(
  path: string,
  check: "default" | "named",
  scope: ConfigScope,
): Steps<ConfigFile | null> {
  scope.seen?.note(path);
  const reading = readingOf(scope);
  const file = readConfigFile(path, check, null, scope.seen, reading.bytes);
  return file === null ? null : yield* parse(path, file, reading, 0);
}

/** The same for a text that was read elsewhere, as the user's own. */
export const parseConfigText = (path: string, text: string, scope: ConfigScope): Steps<ConfigFile> =>
  parse(path, { text, isSafe: true }, readingOf(scope), 0);

/** All steps at once. */
export const finished = <T>(steps: Steps<T>): T => {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
};

const readingOf = (scope: ConfigScope): Reading => ({
  ...{ scope, files: 0, bytes: mostMebibytes * 1024 * 1024, isBroken: false },
});

function* parse(path: string, { text, isSafe }: ConfigText, reading: Reading, depth: number): Steps<ConfigFile> {
  reading.bytes -= text.length;
  let block: Opened<Block> = { kind: "inherited", entries: [], isIdle: true };
  const blocks: Block[] = [block];
  const open = (next: Opened<Block>): void => {
    blocks.push(next);
    block = next;
  };
  const keep = (entry: Entry, isIdle: boolean): void => {
    block.entries.push(entry);
    if (!isIdle) block.isIdle = false;
  };
  let line = 0;
  for (let at = 0; at <= text.length && !reading.isBroken; ) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    const origin: Origin = { file: path, line: ++line };
    try {
      const lexed = lexLine(text.slice(at, end), origin);
      if (lexed === null) {
        // It says nothing.
      } else if (lexed.keyword === "host") {
        open({ kind: "host", patterns: hostPatterns(lexed.args, origin), origin, entries: [], isIdle: true });
      } else if (lexed.keyword === "match") {
        open({ kind: "match", criteria: parseMatch(lexed.rest, origin), origin, entries: [], isIdle: true });
      } else if (lexed.keyword === "include") {
        const files: ConfigFile[] = [];
        keep({ kind: "include", origin, files }, false);
        for (const pattern of lexed.args) yield* includeFiles(files, pattern, origin, reading, depth);
      } else {
        const { keyword, args, rest } = lexed;
        const directive: Directive = { kind: "directive", origin, keyword, args, rest };
        const error = mistakeIn(directive);
        if (error === null) keep(directive, isIdle(directive));
        else keep({ kind: "malformed", error }, false);
      }
    } catch (error) {
      keep({ kind: "malformed", error: asMistake(error) }, false);
      reading.isBroken = true;
    }
    at = end + 1;
    if (line % linesPerStep === 0) yield;
  }
  return { path, blocks, owner: reading.scope.owner, isSafe };
}

/** What is wrong with the value of a line; the lines behind it are still known for what they are. */
const mistakeIn = (directive: Directive): SshMcpError | null => {
  try {
    checkLine(directive);
    return null;
  } catch (error) {
    return asMistake(error);
  }
};

const asMistake = (error: unknown): SshMcpError => {
  if (error instanceof SshMcpError) return error;
  throw error;
};

const hostPatterns = (args: readonly string[], origin: Origin): HostPattern[] => {
  if (args.includes("")) throw invalidAt(origin, "host has an empty argument");
  return args.map((arg) => {
    const negated = arg.startsWith("!");
    return { negated, pattern: negated ? arg.slice(1) : arg, isName: !/[*?]/.test(arg) };
  });
};

/** @param files gets what the pattern means: what comes before one that cannot be read is read */
function* includeFiles(
  files: ConfigFile[],
  pattern: string,
  origin: Origin,
  reading: Reading,
  depth: number,
): Steps<void> {
  const { scope } = reading;
  if (pattern === "") throw invalidAt(origin, "include has an empty argument");
  const anchored = anchor(pattern, origin, scope);
  // Whether one is there in this process says nothing: it is refused when it is read.
  for (const path of isOfProcess(anchored) ? [anchored] : expandGlob(anchored, scope.seen)) {
    if (reading.isBroken) return;
    if (depth >= deepestInclude) {
      throw invalidAt(origin, `files include each other more than ${deepestInclude} deep; ${path} is one too many`);
    }
    if (++reading.files > mostFiles) {
      throw invalidAt(origin, `files are included over ${mostFiles} times; ${path} is one too many`);
    }
    scope.seen?.note(path);
    const file = readConfigFile(path, "included", origin, scope.seen, reading.bytes);
    if (file !== null) files.push(yield* parse(path, file, reading, depth + 1));
    yield;
  }
}

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
