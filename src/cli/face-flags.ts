/** Flags that are the command line's own: how to ask and how to print. No operation knows them, and no other face has them. */
import type { Operation } from "../core/operation.ts";
import type { FaceOption, FaceOptions, Flag } from "./flag.ts";

export const noFaceOptions: FaceOptions = {
  help: false,
  version: false,
  json: false,
  batch: false,
  noStdin: false,
  quiet: false,
};

/** Bytes of each output stream that `--json` keeps of a command. */
export const keptBytes = 1024 * 1024;

const flag = (option: FaceOption, name: string, letter: string | null, description: string): Flag => ({
  for: { option },
  name,
  letter,
  kind: "boolean",
  repeats: false,
  choices: null,
  description,
});

const help = flag("help", "help", "h", "Show this help");
const version = flag("version", "version", null, "Show the version");
const json = flag("json", "json", null, "Print one JSON document on stdout, whatever happens");
const captureJson = flag(
  "json",
  "json",
  null,
  `Print one JSON document with both outputs, each cut in the middle beyond ${keptBytes / 1024 / 1024} MiB`,
);
const batch = flag("batch", "batch", null, "Never ask a person; fail instead");
const noStdin = flag("noStdin", "no-stdin", "n", "Leave stdin alone; the command reads an empty one");
const quiet = flag("quiet", "quiet", "q", "Print only the names, one a line");

/** What may stand before the command. */
export const globalFlags: readonly Flag[] = [help, version, json, batch];

export const faceFlagsOf = (operation: Operation): Flag[] => [
  ...(operation.streams === "pipe" ? [noStdin, captureJson] : [json]),
  ...(operation.name === "sessions" ? [quiet] : []),
  batch,
  help,
];
