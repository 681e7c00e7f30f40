/** `ssh-mcp broker status|stop|restart`: about the process that keeps the sessions, not about what runs in it. */
import type { BrokerStatus } from "../broker/wire/protocol.ts";
import { formatDuration } from "../core/duration.ts";
import { escapeLine } from "../core/escape.ts";
import { exitStatus } from "../core/exit-status.ts";
import { release } from "../core/version.ts";
import type { BrokerVerb } from "./other-commands.ts";
import type { Printer } from "./printer.ts";
import type { BrokerControl, World } from "./world.ts";

const whatBecomesOfSessions =
  "its sessions stay in the list: the next use connects again; those that take a person to log in are opened with `ssh-mcp connect` again";

/**
 * @returns the exit status
 * @throws SshMcpError what the broker could not be asked for; BrokenPipe
 */
export const performOnBroker = async (verb: BrokerVerb, printer: Printer, world: World): Promise<number> => {
  const control = world.brokerControl();
  switch (verb) {
    case "status":
      return await tell(await control.status(), control, printer);
    case "stop": {
      const stopped = await control.stop();
      const text = stopped ? `stopped the broker; ${whatBecomesOfSessions}` : "no broker is running";
      await printer.data({ stopped }, () => `${text}\n`);
      return exitStatus.ok;
    }
    case "restart": {
      const stopped = await control.stop();
      const status = await tell(await control.start(), control, printer);
      if (stopped) await printer.note(`another broker ran before; ${whatBecomesOfSessions}`);
      return status;
    }
  }
};

const tell = async (status: BrokerStatus | null, { socket }: BrokerControl, printer: Printer): Promise<number> => {
  if (status === null) {
    await printer.data({ running: false, ...none, socket }, () => "no broker is running\n");
    return exitStatus.failed;
  }
  await printer.data({ running: true, ...inOrder(status) }, () => `${lines(status).join("\n")}\n`);
  if (status.version !== release) {
    await printer.note(
      `the broker is of version ${status.version} and this command of ${release}: \`ssh-mcp broker restart\` brings them together`,
    );
  }
  return exitStatus.ok;
};

type Unknown = { [Field in keyof BrokerStatus]: null };

/** Every field, in the order it is printed. */
const none: Unknown = {
  pid: null,
  version: null,
  protocol: null,
  socket: null,
  uptimeMs: null,
  sessions: null,
  connections: null,
  clients: null,
  calls: null,
};

/** A newer broker may say more, and in another order. */
const inOrder = (status: BrokerStatus): BrokerStatus => {
  const { pid, version, protocol, socket, uptimeMs, sessions, connections, clients, calls } = status;
  return { pid, version, protocol, socket, uptimeMs, sessions, connections, clients, calls };
};

const lines = (status: BrokerStatus): string[] => [
  `a broker is running: process ${status.pid}, version ${escapeLine(status.version)}, protocol ${status.protocol}, for ${formatDuration(status.uptimeMs)}`,
  `socket ${escapeLine(status.socket)}`,
  [
    counted(status.sessions, "session"),
    counted(status.connections, "connection"),
    counted(status.clients, "client"),
    counted(status.calls, "call"),
  ].join(", "),
];

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;
