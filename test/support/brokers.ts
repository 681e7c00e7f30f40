/**
 * Brokers that the clients of a test started, which live on after them: found by the HOME or SSH_MCP_DIR they run under, which is a
 * test's own, and ended by their ids.
 */
import { onCleanup } from "./cleanup.ts";
import { commandLineOf, descendantsOf, endProcesses, environmentOf, signal, withCommandLine } from "./processes.ts";

/** Living brokers that were started with this directory as HOME or as SSH_MCP_DIR. */
export const brokersOf = (directory: string): number[] => {
  const variables = new Set([`HOME=${directory}`, `SSH_MCP_DIR=${directory}`]);
  return withCommandLine(isBroker).filter((pid) => environmentOf(pid).some((variable) => variables.has(variable)));
};

/** The broker of a directory. @throws Error when there is none, or more than one */
export const brokerOf = (directory: string): number => {
  const [pid, ...more] = brokersOf(directory);
  if (pid === undefined || more.length > 0) {
    throw new Error(`${directory} has ${pid === undefined ? "no broker" : `brokers ${[pid, ...more].join(", ")}`}`);
  }
  return pid;
};

/** TERM, then KILL after a second; resolves when none is left, also none that was started meanwhile. */
export const endBrokers = async (directory: string): Promise<void> => {
  for (let found = brokersOf(directory); found.length > 0; found = brokersOf(directory)) await endProcesses(found);
};

const watched = new Set<string>();

/**
 * Has cleanup end the brokers of a directory. Whoever starts a client under it says so before, so that the client has gone by then and
 * starts no other.
 */
export const endBrokersAtCleanup = (directory: string): void => {
  if (watched.has(directory)) return;
  watched.add(directory);
  onCleanup(
    async () => {
      watched.delete(directory);
      await endBrokers(directory);
    },
    () => {
      for (const pid of brokersOf(directory)) signal(pid, "SIGKILL");
    },
  );
};

/** What a process started and what ends with it: all its descendants but a broker, which is everybody's. */
export const startedBy = (pid: number): number[] => descendantsOf(pid).filter((each) => !isBroker(commandLineOf(each)));

const isBroker = (words: readonly string[]): boolean => words.at(-2) === "broker" && words.at(-1) === "run";
