/** `ssh-mcp edit`: with edits or a diff the operation itself, else a person's editor between a read and a write. */
import { createReadStream } from "node:fs";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { exitStatus } from "../../core/exit-status.ts";
import { type ActsOn, commandOn, pathOperand } from "../../core/files/path-operand.ts";
import { quoteWord } from "../../core/quote.ts";
import { longestEdits } from "../../operations/edit-file.ts";
import { expectSha256 } from "../../operations/file-hash.ts";
import { readFile } from "../../operations/read-file.ts";
import { writeFile } from "../../operations/write-file.ts";
import { type Command, commandOf } from "../command.ts";
import { conduct } from "../conduct.ts";
import type { Parsed } from "../parse.ts";
import { callOptions, perform, questionDevice } from "../perform.ts";
import type { Printer } from "../printer.ts";
import { helpCommand, usageError } from "../usage.ts";
import type { Broker, World } from "../world.ts";
import { editorOf, needTerminal, runEditor } from "./editor.ts";
import { PrivateCopy } from "./private-copy.ts";

type Run = Extract<Parsed, { kind: "run" }>;

/** @returns the exit status. @throws SshMcpError, BrokenPipe */
export const editCommand = async (run: Run, printer: Printer, world: World): Promise<number> => {
  const { input, options, command } = run;
  if (input["edits"] !== undefined || input["diff"] !== undefined)
    return await perform({ ...run, input: await withDiff(input, world) }, printer, world);
  const needless = options.json ? "--json" : input["dryRun"] === true ? "--dry-run" : null;
  if (needless !== null) throw usageError(`${needless} goes with --edits or --diff`, helpCommand(command));
  return await inEditor(run, printer, world);
};

/** The diff itself has several lines; what has one is a file's name. @throws SshMcpError LOCAL_IO, NOT_FOUND */
const withDiff = async (input: Run["input"], world: World): Promise<Run["input"]> => {
  const { diff } = input;
  if (typeof diff !== "string" || diff.includes("\n")) return input;
  if (diff === "-") return { ...input, diff: await bounded(world.stdin) };
  try {
    return { ...input, diff: await bounded(createReadStream(diff)) };
  } catch (thrown) {
    if (thrown instanceof SshMcpError) throw thrown;
    const code = errorCode(thrown);
    throw new SshMcpError(code === "ENOENT" ? "NOT_FOUND" : "LOCAL_IO", `${shown(diff)} cannot be read (${code})`);
  }
};

/** A device, or a program, may never end: what is longer than any diff that is taken is not read on. @throws SshMcpError TOO_LARGE */
const bounded = async (content: AsyncIterable<Uint8Array>): Promise<string> => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    // In UTF-8 a character of JavaScript's has at most three bytes.
    if (size > 3 * longestEdits)
      throw new SshMcpError("TOO_LARGE", `the diff is longer than ${longestEdits} characters`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
};

/** What was read: null for a file that is not there yet. */
type Original = { sha256: string } | null;

const inEditor = async (run: Run, printer: Printer, world: World): Promise<number> => {
  const place = pathOperand(String(run.input["target"]), String(run.input["path"]));
  await needTerminal(world, `ssh-mcp edit ${quoteWord(place)} --diff FILE`);
  const copy = await PrivateCopy.make(String(run.input["path"]));
  let isKept = false;
  try {
    const read = await fetched(run, copy, printer, world);
    if (read.status !== exitStatus.ok) return read.status;
    const isGood = await runEditor(editorOf(world), copy.path);
    const edited = await copy.sha256();
    if (edited === null || edited === (read.original?.sha256 ?? null)) {
      await printer.note(`${shown(place)} was not changed: nothing was written`);
      return isGood ? exitStatus.ok : exitStatus.failed;
    }
    isKept = true;
    if (!isGood) throw kept(new SshMcpError("LOCAL_IO", "the editor failed, and nothing was written"), copy, run);
    const status = await stored(run, read.original, copy, printer, world);
    isKept = status !== exitStatus.ok;
    return status;
  } finally {
    if (!isKept) await copy.remove();
  }
};

/** Reads the file into the copy. @throws SshMcpError PRECONDITION_FAILED where it is not the one that was meant */
const fetched = async (run: Run, copy: PrivateCopy, printer: Printer, world: World) => {
  let original: Original = null;
  const status = await called(run, commandOf(readFile), {}, printer, world, async (call) => {
    try {
      const result = await copy.filled((stdout) => call({ stdout }));
      original = { sha256: String((result as { sha256: unknown }).sha256) };
    } catch (thrown) {
      if (toSshMcpError(thrown).code !== "NOT_FOUND") throw thrown;
      // An editor makes what is not there, and finds no empty file instead.
      await copy.emptied();
    }
  });
  const given = original as Original;
  if (status === exitStatus.ok) {
    const { target, path, sudo, ifSha256 } = run.input;
    const hint = commandOn({ target: String(target), sudo: sudo as ActsOn["sudo"] }, ["cat"], String(path));
    expectSha256(String(path), ifSha256 === undefined ? undefined : String(ifSha256), given?.sha256 ?? null, hint);
  }
  return { status, original: given };
};

/** Writes the copy back, if nobody else has written meanwhile. */
const stored = async (run: Run, original: Original, copy: PrivateCopy, printer: Printer, world: World) => {
  const condition = original === null ? { ifAbsent: true } : { ifSha256: original.sha256 };
  return await called(run, commandOf(writeFile), condition, printer, world, async (call) => {
    try {
      const result = await call({ stdin: copy.content() });
      await printer.data(result, () => `${writeFile.render(result as Parameters<typeof writeFile.render>[0])}\n`);
    } catch (thrown) {
      throw kept(toSshMcpError(thrown), copy, run);
    }
  });
};

type Streams = Partial<Pick<Parameters<Broker["client"]["call"]>[0], "stdin" | "stdout">>;

/** One call beside the command's own, of another operation on the same file. @returns the exit status */
const called = async (
  run: Run,
  command: Command,
  fields: Record<string, unknown>,
  printer: Printer,
  world: World,
  use: (call: (streams: Streams) => Promise<unknown>) => Promise<void>,
): Promise<number> => {
  const { target, path, sudo } = run.input;
  const input = { target, path, ...(sudo === undefined ? {} : { sudo }), ...fields };
  const terminal = await questionDevice(run, world);
  let broker: Broker | null = null;
  return await conduct(
    async ({ signal, say }) => {
      broker = await world.openBroker({ noBroker: run.options.noBroker });
      for (const note of broker.notes) say(note);
      const { client } = broker;
      const {
        stdin: _,
        stdout: __,
        stderr: ___,
        ...options
      } = callOptions({ ...run, command, input }, world, terminal, signal);
      await use((streams) => client.call({ ...options, ...streams, notice: say }));
      return exitStatus.ok;
    },
    {
      ...{ printer, terminals: terminal === null ? [] : [terminal], remoteStatus: false },
      ...{ close: async () => broker?.close(), exit: world.exit },
    },
  );
};

/** What was edited is never lost: where it is, and what to type. */
const kept = (error: SshMcpError, { path }: PrivateCopy, { input }: Run): SshMcpError => {
  const where = { target: String(input["target"]), sudo: input["sudo"] as ActsOn["sudo"] };
  const again = (command: string): string => commandOn(where, [command], String(input["path"]));
  const isOthers = error.code === "PRECONDITION_FAILED" || error.code === "ALREADY_EXISTS";
  const hint = isOthers ? `${again("cat")} | diff -u - ${quoteWord(path)}` : `${again("write")} <${quoteWord(path)}`;
  return new SshMcpError(error.code, `${error.message}; what you edited is kept: ${path}`, { hint, cause: error });
};
