/** `connect @group`: one session after the other, for there is one person to answer. Each has its own result, and with --json its own line. */
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import { exitStatus } from "../core/exit-status.ts";
import { placeOf } from "../core/place.ts";
import type { Parsed } from "./parse.ts";
import { perform } from "./perform.ts";
import type { Printer } from "./printer.ts";
import { helpCommand, usageError } from "./usage.ts";
import type { World } from "./world.ts";

type Run = Extract<Parsed, { kind: "run" }>;

/** The group that is to be connected to, with its `@`; null for any other command. */
export const groupToConnect = ({ command, input }: Run): string | null => {
  const { destination } = input;
  const isGroup = command.operation.name === "connect" && typeof destination === "string" && /^@./s.test(destination);
  return isGroup ? destination : null;
};

/**
 * @returns 0 when all are open; 4 when one needs a person, else the first other status. A signal ends it
 * @throws SshMcpError NOT_FOUND, CONFIG_INVALID, USAGE; BrokenPipe
 */
export const connectGroup = async (run: Run, group: string, printer: Printer, world: World): Promise<number> => {
  if (run.input["name"] !== undefined)
    throw usageError(`${group} is several hosts, and --name is one session's`, helpCommand(run.command));
  const names = await membersOf(run, group, world);
  if (names.length === 0) {
    throw new SshMcpError("NOT_FOUND", `no host of ${shown(group)} is named in ssh_config`, {
      hint: "ssh-mcp hosts ls",
    });
  }
  const statuses: number[] = [];
  for (const destination of names) {
    const status = await perform({ ...run, input: { ...run.input, destination } }, printer, world);
    if (status > firstSignal) return status;
    statuses.push(status);
  }
  if (statuses.includes(exitStatus.person)) return exitStatus.person;
  return statuses.find((status) => status !== exitStatus.ok) ?? exitStatus.ok;
};

/** 128 and the signal's number. */
const firstSignal = 128;

const membersOf = async (run: Run, group: string, world: World): Promise<string[]> => {
  const broker = await world.openBroker({ noBroker: run.options.noBroker });
  try {
    const result = await broker.client.call({
      operation: "hosts",
      input: { filter: [group] },
      caller: { face: "cli", client: "cli", ...placeOf(world) },
      capture: null,
      repeatable: true,
      environment: world.env,
    });
    const { hosts } = result as { hosts: { name: string; enabled: boolean }[] };
    return hosts.filter(({ enabled }) => enabled).map(({ name }) => name);
  } finally {
    await broker.close();
  }
};
