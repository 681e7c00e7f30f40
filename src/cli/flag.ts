/** One flag of a command line, as the parser and the help read it. */
import type { ManyOptions } from "./many/many-flags.ts";

/** The command line's own options: how to ask and how to print. */
export interface FaceOptions extends ManyOptions {
  help: boolean;
  version: boolean;
  json: boolean;
  /** Never ask a person. */
  batch: boolean;
  noStdin: boolean;
  /** Names only. */
  quiet: boolean;
  /** A line of facts for each file. */
  long: boolean;
  /** Output as it comes, on a terminal too. */
  raw: boolean;
  /** Run in this process. */
  noBroker: boolean;
}

export type FaceOption = keyof FaceOptions;

/**
 * `duration`: a number of seconds that may be typed with a unit. `pair`: NAME=VALUE, of which several make one record. `optional`: a text behind
 * `=`, or none. `json`: one object.
 */
export type FlagKind = "boolean" | "number" | "duration" | "text" | "pair" | "optional" | "json";

export interface Flag {
  /** Where the value goes: a field of the operation's input, or an option of the command line's own. */
  for: { field: string } | { option: FaceOption };
  /** Without dashes: `identity-file`. */
  name: string;
  letter: string | null;
  kind: FlagKind;
  /** May be given several times; the values are kept in order. */
  repeats: boolean;
  /** The only values there are, or null. */
  choices: readonly string[] | null;
  description: string;
}
