import * as v from "valibot";
import { SshMcpError } from "../core/errors.ts";
import { type Operand, parseOperand } from "../core/files/operand.ts";
import type { TransferRequest } from "../core/files/transfers.ts";
import { defineOperation, type Issue } from "../core/operation.ts";
import { quoteWord, quoteWords } from "../core/quote.ts";
import { flagField } from "./path-fields.ts";
import { callAgain, commandAgain } from "./transfer-again.ts";
import {
  commonFields,
  commonIssues,
  commonRequest,
  defaultModelSeconds,
  operandIssues,
  personFields,
  reportFields,
  serversOf,
} from "./transfer-fields.ts";
import { type Again, runTransfer } from "./transfer-run.ts";
import { countOfFailures, reportText } from "./transfer-text.ts";

const description = "Copy files between this machine and servers, or two servers; none is seen half-written.";
const advice = "After TIMEOUT: resume.";

const manual = `What is on a server is TARGET:PATH, as for scp; with a / before its first colon, or without a colon, it is on this machine. PATH is meant from the home directory; globs in it are the server's to expand, so quote them. A port stands in ssh://user@host:port/path. Both sides may be on servers: what is copied then passes through this machine, unless --direct is given.
- as SOURCE is standard input, and as DESTINATION standard output: of one file.
Several sources, and a DESTINATION that is a directory, or ends in /: they are copied into it. With -r a directory is copied into a DESTINATION that is there, and becomes one that is not. Symbolic links are copied as links.
A file appears under its name when all of it is there. A copy that breaks leaves the bytes that came beside it, as .NAME.ssh-mcp-part, and --resume goes on from them once their SHA-256 is that of the source's first bytes.
On a terminal a bar on stderr shows how far it is; --quiet leaves it out. What could not be copied is listed on stderr, and the exit status is 1.`;

const mostSources = 4096;

const input = v.strictObject({
  sources: v.pipe(
    v.array(v.string()),
    v.description("What to copy: TARGET:PATH, a path here, or - for standard input"),
  ),
  destination: v.pipe(v.string(), v.description("Where to: TARGET:PATH, a path here, or - for standard output")),
  recursive: flagField("Copy directories, with all that is in them"),
  preserve: flagField("Keep modes and times"),
  resume: flagField("Go on where a copy of the same broke, once what is there is the same by SHA-256"),
  sync: flagField(
    "Copy the contents of one directory over those of another, and only what differs, as the command sync does",
  ),
  checksum: flagField("Compare SHA-256 of both sides when a file is there"),
  ...commonFields,
  direct: flagField("Between two servers: the first one copies to the second, with your agent forwarded"),
});

type Input = v.InferOutput<typeof input>;

export const transfer = defineOperation({
  name: "transfer",
  command: "cp",
  tool: "ssh_transfer",
  faces: ["cli", "mcp"],
  title: "Copy files to, from and between servers",
  description,
  manual,
  brief: {
    ...{ sources: "TARGET:PATH or local", destination: "", recursive: "", resume: "", sync: "Like rsync -a SRC/" },
    ...{ checksum: "", exclude: "", sudo: "", timeout: `Seconds (${defaultModelSeconds})` },
  },
  advice,
  effect: "write",
  replaces: true,
  idempotent: false,
  remote: true,
  input,
  output: v.object(reportFields),
  validate: (given) => [...operandsIssues(given), ...commonIssues(given), ...combinationIssues(given)],
  positionals: [],
  rest: "sources",
  last: "destination",
  letters: { recursive: "r", preserve: "p" },
  durations: ["timeout", "connectTimeout"],
  target: null,
  targets: ({ sources, destination }) => serversOf([...sources, destination]),
  streams: "none",
  cliOnly: [...personFields, "preserve", "direct"],
  run: async (given, context) => {
    const sources = given.sources.map(parseOperand);
    const destination = parseOperand(given.destination);
    if (![...sources, destination].some(({ kind }) => kind === "remote")) throw nowhere(given);
    if (context.caller.face === "mcp" && hasStream(given)) throw noStream();
    return await runTransfer(requestOf(given, sources, destination), given.timeout, context, againOf(given));
  },
  render: reportText,
  // Who asked for a check has none where it could not be made.
  succeeded: ({ verification, ...report }) =>
    countOfFailures(report) === 0 && (verification === null || verification === "verified"),
});

const requestOf = (given: Input, sources: readonly Operand[], destination: Operand): TransferRequest => ({
  sources,
  destination,
  ...commonRequest(given),
  recursive: given.recursive === true || given.sync === true,
  preserve: given.preserve === true || given.sync === true,
  resume: given.resume ?? false,
  sync: given.sync === true ? { delete: false, dryRun: false, byChecksum: false } : null,
  direct: given.direct ?? false,
});

const isStream = (word: string): boolean => word === "-";
const hasStream = ({ sources, destination }: Input): boolean => [...sources, destination].some(isStream);

const operandsIssues = ({ sources, destination }: Input): Issue[] => {
  if (sources.length === 0) return [{ field: "sources", message: "is empty" }];
  if (sources.length > mostSources) return [{ field: "sources", message: `must be at most ${mostSources}` }];
  return [
    ...sources.flatMap((word) => operandIssues("sources", word)).slice(0, 1),
    ...operandIssues("destination", destination),
  ];
};

const combinationIssues = (given: Input): Issue[] => {
  const { sources, destination, direct } = given;
  const issue = (field: keyof Input, message: string): Issue => ({ field, message });
  if (!hasStream(given)) {
    const hasLocal = serverless([...sources, destination]);
    return direct === true && hasLocal ? [issue("direct", "is for two servers: a side of this is here")] : [];
  }
  const fromStream = sources.some(isStream);
  if (fromStream && isStream(destination)) return [issue("destination", 'is "-" on both sides')];
  if (sources.length > 1) return [issue("sources", 'must be one, beside "-"')];
  const wrong = (["recursive", "resume", "sync", "preserve", "direct"] as const).filter(
    (field) => given[field] === true && !(field === "preserve" && !fromStream),
  );
  return wrong.map((field) => issue(field, 'does not go with "-", which is one stream'));
};

const serverless = (words: readonly string[]): boolean => words.some((word) => serversOf([word]).length === 0);

const nowhere = ({ sources, destination, recursive }: Input): SshMcpError =>
  new SshMcpError("USAGE", "both sides are on this machine: cp(1) copies there, and a server's side is TARGET:PATH", {
    hint: `cp ${recursive === true ? "-r " : ""}-- ${quoteWords([...sources, destination])}`,
  });

const noStream = (): SshMcpError =>
  new SshMcpError("INVALID_INPUT", 'a tool has no standard input and output: "-" is for the command line', {
    hint: "ssh_read_file and ssh_write_file take text",
  });

const againOf = (given: Input): Again | null => {
  if (hasStream(given)) return null;
  const again = { ...given, resume: true };
  const { sources, destination, timeout: _, ...options } = again;
  return {
    command: `ssh-mcp cp ${commandAgain(options, transfer.letters)}${quoteOperands([...sources, destination])}`,
    tool: callAgain("ssh_transfer", again),
  };
};

const quoteOperands = (words: readonly string[]): string =>
  `${words.some((word) => word.startsWith("-")) ? "-- " : ""}${words.map(quoteWord).join(" ")}`;
