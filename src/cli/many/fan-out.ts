/**
 * A command that acts on one host, for several: one after the other, for there is one person to answer. Each has its own result, and with --json
 * its own line.
 */
import { escapeLine } from "../../core/escape.ts";
import { exitStatus } from "../../core/exit-status.ts";
import { quoteWord } from "../../core/quote.ts";
import { perform } from "../perform.ts";
import type { Printer } from "../printer.ts";
import { watchSignals } from "../signals.ts";
import { helpCommand, usageError } from "../usage.ts";
import type { World } from "../world.ts";
import { expandIn, expandNamed, expandSessions } from "./expand.ts";
import { forTarget } from "./for-target.ts";
import type { Run, Several } from "./several.ts";
import { SharedInput } from "./shared-input.ts";

/**
 * @returns 0 when all are done; 4 when one needs a person, else the first other status. A signal ends it
 * @throws SshMcpError NOT_FOUND, CONFIG_INVALID, USAGE; BrokenPipe
 */
export const fanOut = async (run: Run, several: Several, printer: Printer, world: World): Promise<number> => {
  const { command, input, options } = run;
  const { list } = several;
  const isConnect = command.operation.name === "connect";
  if (isConnect && input["name"] !== undefined) {
    throw usageError(`${list} is several hosts, and --name is one session's`, helpCommand(command));
  }
  const targets = await hostsOf(run, list, printer, world);
  const shared = new SharedInput(world.stdin);
  const own: World = (await world.isTerminal(0)) ? world : { ...world, stdin: inputFrom(shared) };
  const statuses: number[] = [];
  // A status tells nothing of a signal: that of `job wait` is the job's.
  let signaled: number | null = null;
  const watch: typeof watchSignals = (...actions) => {
    const signals = watchSignals(...actions);
    const release = (): void => {
      signaled = signals.status();
      signals.release();
    };
    return { ...signals, release };
  };
  for (const target of targets) {
    // What a connection says names its host; other answers may not.
    if (!isConnect && !options.json && targets.length > 1)
      await printer.data(null, () => `==> ${escapeLine(target)} <==\n`);
    const one = await forTarget(run, several, target);
    statuses.push(await perform(one, printer.about({ target }), own, watch));
    if (signaled !== null) return signaled;
  }
  shared.end();
  if (statuses.includes(exitStatus.person)) return exitStatus.person;
  return statuses.find((status) => status !== exitStatus.ok) ?? exitStatus.ok;
};

/** A secret that is piped in, as any other input, is each one's. */
const inputFrom = (shared: SharedInput): World["stdin"] => ({
  [Symbol.asyncIterator]: () => shared.reader(),
  pause: async () => undefined,
  resume: () => undefined,
});

const hostsOf = async (run: Run, list: string, printer: Printer, world: World): Promise<string[]> => {
  const broker = await world.openBroker({ noBroker: run.options.noBroker });
  try {
    const { name } = run.command.operation;
    if (name === "sudo") return await expandSessions(list, broker, world);
    if (name !== "connect") return await expandIn(list, broker, world);
    const { targets, passedOver } = await expandNamed(list, broker, world);
    if (passedOver.length > 0) {
      const names = passedOver.map(quoteWord).join(" ");
      await printer.note(`in the group, and passed over because no file of ssh_config names it: ${names}`);
    }
    return targets;
  } finally {
    await broker.close();
  }
};
