/** The command line's entry: from the words to an exit status. */
import { toSshMcpError } from "../core/errors.ts";
import { exitStatus, exitStatusOfError } from "../core/exit-status.ts";
import { release } from "../core/version.ts";
import { operations } from "../operations/index.ts";
import { type Command, commandOf } from "./command.ts";
import { copiesFiles } from "./face-flags.ts";
import { fanOut } from "./many/fan-out.ts";
import { type Run, type Several, severalOf } from "./many/several.ts";
import { otherCommands } from "./other-commands.ts";
import { BrokenPipe } from "./output.ts";
import { type Parsed, parse } from "./parse.ts";
import { perform, takesRemoteStatus } from "./perform.ts";
import { Printer } from "./printer.ts";
import { mayRepeat } from "./said.ts";
import { typedWords } from "./typed-words.ts";
import { usageError } from "./usage.ts";
import type { World } from "./world.ts";

/**
 * Runs one command line to its end. Never rejects for what a person, a server or a system can do wrong.
 * @param words what follows the program's name
 * @returns the exit status; every byte was handed to the kernel by then
 */
export const runCli = async (words: readonly string[], world: World): Promise<number> => {
  const commands = operations.filter(({ faces }) => faces.includes("cli")).map(commandOf);
  const typed = typedWords(words);
  const parsed = exact(typed, parse(typed ?? words, commands, otherCommands, world.env));
  const printer = new Printer(world, parsed.kind !== "nothing" && parsed.options.json);
  try {
    return await carryOut(parsed, commands, printer, world).catch((thrown) => failed(thrown, parsed, printer));
  } catch (thrown) {
    // ssh(1) and every other filter end so.
    if (thrown instanceof BrokenPipe) return exitStatus.brokenPipe;
    throw thrown;
  }
};

/** @throws BrokenPipe */
const failed = async (thrown: unknown, parsed: Parsed, printer: Printer): Promise<number> => {
  if (thrown instanceof BrokenPipe) throw thrown;
  const error = toSshMcpError(thrown);
  await printer.failure(error.toRecord());
  return exitStatusOfError(error.code, parsed.kind === "run" && takesRemoteStatus(parsed));
};

/** What is no UTF-8 can be the name of a file; a command would be another one on the server. @param typed null where nobody knows */
const exact = (typed: readonly string[] | null, parsed: Parsed): Parsed => {
  if (parsed.kind !== "run") return parsed;
  const { operation } = parsed.command;
  const takesPaths = operation.operand !== undefined || copiesFiles(operation);
  if (typed?.every((word) => takesPaths || word.isWellFormed())) return parsed;
  const hint = takesPaths
    ? `ssh-mcp ${parsed.command.name} 'TARGET:a\\udcff', as ls writes the byte 0xff`
    : "ssh-mcp exec TARGET -- sh -s <FILE";
  const error = usageError("the command line holds bytes that are not UTF-8", hint);
  return { kind: "wrong", error, options: parsed.options };
};

const carryOut = async (
  parsed: Parsed,
  commands: readonly Command[],
  printer: Printer,
  world: World,
): Promise<number> => {
  switch (parsed.kind) {
    case "run": {
      if (parsed.further !== undefined) return await onEachFile(parsed, parsed.further, commands, printer, world);
      const several = severalOf(parsed);
      if (several !== null) return await onSeveral(parsed, several, printer, world);
      const run = mayRepeat(parsed.said) ? await asTyped(parsed) : parsed;
      if (run.command.operation.name === "edit-file") {
        const { editCommand } = await import("./files/edit-command.ts");
        return await editCommand(run, printer, world);
      }
      if (run.command.operation.name === "write-file") await sayHowInputEnds(run, printer, world);
      if (run.command.operation.name === "output" && !run.options.json) {
        const { printKeptOutput } = await import("./kept-output.ts");
        return await printKeptOutput(run, printer, world);
      }
      return await perform(run, printer, world);
    }
    case "broker": {
      const { performOnBroker } = await import("./broker-command.ts");
      return await performOnBroker(parsed.verb, printer, world);
    }
    case "version":
      await printer.data({ version: release }, () => `${release}\n`);
      return exitStatus.ok;
    case "help": {
      const help = await helpOf(parsed.topic, commands, !parsed.options.json && (await printer.colour(1)));
      await printer.data({ help }, () => help);
      return exitStatus.ok;
    }
    case "nothing":
      await printer.explain(await helpOf(null, commands, await printer.colour(2)));
      return exitStatus.usage;
    case "wrong":
      await printer.failure(parsed.error.toRecord());
      return exitStatus.usage;
  }
};

/** Each file after the other, as cat(1) has them: what cannot be read is said, and the others are. */
const onEachFile = async (
  run: Run,
  further: readonly Record<string, unknown>[],
  commands: readonly Command[],
  printer: Printer,
  world: World,
): Promise<number> => {
  const { further: _, ...first } = run;
  let status: number = exitStatus.ok;
  for (const fields of [{}, ...further]) {
    const one = { ...first, input: { ...run.input, ...fields } };
    const its = await carryOut(one, commands, printer.about(one.input), world).catch((thrown) =>
      failed(thrown, one, printer.about(one.input)),
    );
    status = Math.max(status, its);
    // A signal ends all of it.
    if (status > 128) break;
  }
  return status;
};

const sayHowInputEnds = async ({ input }: Run, printer: Printer, world: World): Promise<void> => {
  if (input["content"] !== undefined || input["contentBase64"] !== undefined || !(await world.isTerminal(0))) return;
  await printer.note("type the content; Ctrl-D on a line of its own ends it, Ctrl-C gives up");
};

const onSeveral = async (run: Run, several: Several, printer: Printer, world: World): Promise<number> => {
  if (run.command.operation.name !== "exec") return await fanOut(run, several, printer, world);
  const { execMany } = await import("./many/exec-many.ts");
  return await execMany(run, several, printer, world);
};

/** @throws SshMcpError USAGE */
const asTyped = async (run: Run): Promise<Run> => {
  const { firstSaid } = await import("./first-said.ts");
  return { ...run, input: { ...firstSaid(run.command, run.input, run.said) } };
};

const helpOf = async (...parameters: Parameters<typeof import("./help.ts").helpOf>): Promise<string> => {
  const help = await import("./help.ts");
  return help.helpOf(...parameters);
};
