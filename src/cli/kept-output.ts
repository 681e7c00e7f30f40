/** `ssh-mcp output ID` for a person and for pipes: the bytes themselves, in as many answers as it takes. */
import type { CallOptions } from "../broker/client/client.ts";
import { SshMcpError } from "../core/errors.ts";
import { exitStatus } from "../core/exit-status.ts";
import { isLost, largestAnswerBytes, type OutputPage } from "../core/outputs.ts";
import { placeOf } from "../core/place.ts";
import type { Sink } from "../core/sink.ts";
import { conduct } from "./conduct.ts";
import type { Parsed } from "./parse.ts";
import type { Printer } from "./printer.ts";
import type { Broker, World } from "./world.ts";

type Run = Extract<Parsed, { kind: "run" }>;

const pageBytes = 1024 * 1024;

/**
 * @returns the exit status
 * @throws BrokenPipe when nobody reads standard output
 */
export const printKeptOutput = async (run: Run, printer: Printer, world: World): Promise<number> => {
  let broker: Broker | null = null;
  return await conduct(
    async ({ signal, say }) => {
      broker = await world.openBroker({ noBroker: false });
      for (const note of broker.notes) say(note);
      if (!broker.keepsSessions)
        throw new SshMcpError("BROKER_UNAVAILABLE", "there is no broker that keeps outputs", {
          hint: "ssh-mcp broker status",
        });
      const { client } = broker;
      const read = async (input: Run["input"]) =>
        (await client.call({ ...callOptions(run, world), input, signal })) as OutputPage;
      const { last, isWhole } = await printed(run.input, read, await screen(run, world), say);
      if (last.more) say(`more is there: --offset ${last.nextOffset}`);
      return isWhole && last.matches !== 0 ? exitStatus.ok : exitStatus.failed;
    },
    { printer, terminals: [], remoteStatus: false, close: async () => broker?.close(), exit: world.exit },
  );
};

const callOptions = ({ command }: Run, world: World): Omit<CallOptions, "input"> => ({
  operation: command.operation.name,
  caller: { face: "cli", client: "cli", ...placeOf(world) },
  capture: null,
  repeatable: command.operation.idempotent,
  environment: world.env,
});

/** Standard output, guarded when it is a terminal. */
const screen = async ({ options }: Run, world: World): Promise<Sink & { end?(): Promise<void> }> => {
  if (options.raw || !(await world.isTerminal(1))) return world.stdout;
  const { guarded } = await import("./guarded.ts");
  return guarded(world.stdout, () => false);
};

/** Prints what was asked for; without a length that is all there is. What is not there is said. */
const printed = async (
  input: Run["input"],
  read: (input: Run["input"]) => Promise<OutputPage>,
  out: Sink & { end?(): Promise<void> },
  say: (note: string) => void,
): Promise<{ last: OutputPage; isWhole: boolean }> => {
  // Lines that match are counted and numbered as a whole.
  const isOne = ["length", "lines", "grep", "encoding"].some((field) => input[field] !== undefined);
  const asBytes = input["grep"] === undefined && input["encoding"] === undefined;
  const first = {
    length: isOne ? largestAnswerBytes : pageBytes,
    ...(isOne ? input : await fromLine(input, read)),
    ...(asBytes ? { encoding: "base64" } : {}),
  };
  const { line, ...further } = first as Run["input"];
  let isWhole = true;
  for (let question: Run["input"] = first; ; ) {
    const page = await read(question);
    if (page.beginMissing) say(missing(page, question));
    if (isLost(page)) isWhole = false;
    const text = input["encoding"] === "base64" ? `${page.content}\n` : page.content;
    const bytes = asBytes ? Buffer.from(page.content, "base64") : new TextEncoder().encode(text);
    if (bytes.length > 0) await out.write(bytes);
    if (isOne || !page.more) {
      await out.end?.();
      return { last: page, isWhole };
    }
    question = { ...further, offset: page.nextOffset };
  }
};

/** The last lines as what follows the line before them: a long tail takes several answers, and goes on where the last one ended. */
const fromLine = async (
  asked: Run["input"],
  read: (input: Run["input"]) => Promise<OutputPage>,
): Promise<Run["input"]> => {
  const { tail, ...input } = asked;
  if (tail === undefined) return input;
  const { lines } = await read({ ...asked, length: 1, encoding: "base64" });
  return { ...input, line: Math.max(1, lines - Number(tail) + 1) };
};

/** What is not in a page, of what it was asked for. */
const missing = (page: OutputPage, { offset, line }: Run["input"]): string => {
  if (!isLost(page)) return "the tail is longer than an answer: it begins later than was asked for";
  const here = `byte ${page.offset} (line ${page.line})`;
  const from = typeof offset === "number" ? `byte ${offset}` : line === undefined ? "its begin" : `line ${line}`;
  return `the output from ${from} to ${here} is not kept any more`;
};
