/** Flags that are the command line's own: how to ask and how to print. No operation knows them, and no other face has them. */
import type { Operation } from "../core/operation.ts";
import type { FaceOption, FaceOptions, Flag } from "./flag.ts";
import { manyFlags, noManyOptions } from "./many/many-flags.ts";

export const noFaceOptions: FaceOptions = {
  help: false,
  version: false,
  json: false,
  batch: false,
  noStdin: false,
  quiet: false,
  long: false,
  raw: false,
  noBroker: false,
  ...noManyOptions,
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

export const helpFlag = flag("help", "help", "h", "Show this help");
const version = flag("version", "version", null, "Show the version");
export const jsonFlag = flag("json", "json", null, "Print one JSON document on stdout, whatever happens");
const captureJson = flag(
  "json",
  "json",
  null,
  `Print one JSON document with both outputs, each cut in the middle beyond ${keptBytes / 1024 / 1024} MiB`,
);
const batch = flag("batch", "batch", null, "Never ask a person; fail instead");
const noStdin = flag("noStdin", "no-stdin", "n", "Leave stdin alone; the command reads an empty one");
const quiet = flag("quiet", "quiet", "q", "Print only the names, one a line");
const noProgress = flag("quiet", "quiet", "q", "Show no progress, and say nothing of what went well");
const long = flag("long", "long", "l", "Print mode, owner, group, size and time of each, a line each");
const raw = flag("raw", "raw", null, "Show output as it comes on a terminal too, with all that it may do to it");
const noBroker = flag(
  "noBroker",
  "no-broker",
  null,
  "Run in this process, without the broker; sessions end with the command",
);

/** What may stand before the command. */
export const globalFlags: readonly Flag[] = [helpFlag, version, jsonFlag, batch, noBroker];

/** Whether it changes the sessions that are kept, or what runs on them, and nothing else: without the broker there are none to change. */
export const needsBroker = ({ name, effect, remote, target }: Operation): boolean =>
  name === "kill" || name === "output" || name === "sudo" || (!remote && effect !== "read" && target !== null);

/** Whether it copies files, and a person watches how far it is. */
export const copiesFiles = ({ name }: Operation): boolean => name === "transfer" || name === "sync";

/** Whether what comes is printed as it comes. */
export const printsOutput = ({ streams }: Operation): boolean => streams === "pipe" || streams === "output";

export const faceFlagsOf = (operation: Operation): Flag[] => [
  ...(operation.streams === "pipe" ? [noStdin, captureJson] : [jsonFlag]),
  ...(operation.name === "sessions" || operation.name === "hosts" ? [quiet] : []),
  ...(copiesFiles(operation) ? [noProgress] : []),
  ...(operation.name === "list-directory" ? [long] : []),
  ...(operation.name === "exec" ? manyFlags : []),
  ...(printsOutput(operation) || operation.name === "output" ? [raw] : []),
  batch,
  ...(needsBroker(operation) ? [] : [noBroker]),
  helpFlag,
];
