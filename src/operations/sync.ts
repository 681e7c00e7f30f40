import * as v from "valibot";
import { SshMcpError } from "../core/errors.ts";
import { parseOperand } from "../core/files/operand.ts";
import { defineOperation, type Issue } from "../core/operation.ts";
import { quoteWords } from "../core/quote.ts";
import { flagField } from "./path-fields.ts";
import { commandAgain } from "./transfer-again.ts";
import {
  commonFields,
  commonIssues,
  commonRequest,
  operandIssues,
  reportFields,
  serversOf,
} from "./transfer-fields.ts";
import { runTransfer } from "./transfer-run.ts";
import { countOfFailures, reportText } from "./transfer-text.ts";

const description =
  "Make the contents of one directory those of another, on this machine or on servers: only what differs by size or time travels.";

const manual = `SOURCE and DESTINATION are directories, TARGET:PATH or paths here, as for cp; at least one is on a server. The contents of SOURCE become the contents of DESTINATION, with or without a slash at the end of either: what rsync -a does with SOURCE/. DESTINATION is made when it is not there. A SOURCE that is a file becomes a file of that name.
A file is left alone when its size and its time, in seconds, are the same on both sides; with --checksum, when its SHA-256 is. Modes, times and symbolic links are kept.
--delete removes what is at DESTINATION and not at SOURCE, after everything was copied without a failure; what --exclude leaves out stays. --dry-run changes nothing and prints a line for each change: + PATH would be copied, - PATH deleted.
A glob of --exclude without a slash matches a name anywhere, one with a slash the end of a path, and one that begins with a slash the path below SOURCE; a slash at its end means directories only, and ** any number of them.
What could not be copied is listed on stderr, and the exit status is 1. A sync that broke goes on when it is typed again.`;

const input = v.strictObject({
  source: v.pipe(v.string(), v.description("Directory whose contents are copied: TARGET:PATH, or a path here")),
  destination: v.pipe(v.string(), v.description("Directory that they become the contents of")),
  delete: flagField("Remove what is at the destination and not at the source"),
  dryRun: flagField("Change nothing, and print what would be changed"),
  checksum: flagField("Compare files by SHA-256 instead of size and time"),
  ...commonFields,
});

type Input = v.InferOutput<typeof input>;

export const sync = defineOperation({
  name: "sync",
  command: "sync",
  tool: "ssh_sync",
  faces: ["cli"],
  title: "Make one directory like another, over SSH",
  description,
  manual,
  advice: "",
  effect: "destructive",
  idempotent: true,
  remote: true,
  input,
  output: v.object(reportFields),
  validate: (given) => [
    ...operandIssues("source", given.source),
    ...operandIssues("destination", given.destination),
    ...streamIssues(given),
    ...commonIssues(given),
  ],
  positionals: ["source", "destination"],
  rest: null,
  letters: { dryRun: "n" },
  durations: ["timeout", "connectTimeout"],
  target: null,
  targets: ({ source, destination }) => serversOf([source, destination]),
  streams: "none",
  cliOnly: [],
  run: async (given, context) => {
    const [source, destination] = [parseOperand(given.source), parseOperand(given.destination)];
    if (source.kind !== "remote" && destination.kind !== "remote") throw nowhere(given);
    const request = {
      sources: [source],
      destination,
      ...commonRequest(given),
      verify: false,
      recursive: true,
      preserve: true,
      resume: true,
      sync: {
        delete: given.delete ?? false,
        dryRun: given.dryRun ?? false,
        byChecksum: given.checksum ?? false,
      },
      direct: false,
    };
    return await runTransfer(request, given.timeout, context, againOf(given));
  },
  render: reportText,
  succeeded: (report) => countOfFailures(report) === 0,
});

const streamIssues = ({ source, destination }: Input): Issue[] =>
  [source, destination].includes("-")
    ? [{ field: source === "-" ? "source" : "destination", message: 'must be a directory, and "-" is a stream' }]
    : [];

const nowhere = ({ source, destination }: Input): SshMcpError =>
  new SshMcpError("USAGE", "both sides are on this machine: rsync(1) works there, and a server's side is TARGET:PATH", {
    hint: `rsync -a -- ${quoteWords([`${source.replace(/\/*$/, "")}/`, destination])}`,
  });

/** It compares what is there: typed again, it goes on. */
const againOf = (given: Input) => {
  const { source, destination, timeout: _, ...options } = given;
  const dashes = [source, destination].some((word) => word.startsWith("-")) ? "-- " : "";
  const command = `ssh-mcp sync ${commandAgain(options)}${dashes}${quoteWords([source, destination])}`;
  return { command, tool: command };
};
