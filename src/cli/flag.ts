/** One flag of a command line, as the parser and the help read it. */

/** The command line's own options: how to ask and how to print. */
export interface FaceOptions {
  help: boolean;
  version: boolean;
  json: boolean;
  /** Never ask a person. */
  batch: boolean;
  noStdin: boolean;
  /** Names only. */
  quiet: boolean;
  /** Run in this process. */
  noBroker: boolean;
}

export type FaceOption = keyof FaceOptions;

/** `duration`: a number of seconds that may be typed with a unit. */
export type FlagKind = "boolean" | "number" | "duration" | "text";

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
