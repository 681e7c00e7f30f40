/**
 * The commands that are no operation's: the other face, a show of both, and the broker itself. `main.ts` starts those that are a
 * program of their own; here is what the parser and the help know of them.
 */
import type { Flag } from "./flag.ts";

export interface OtherCommand {
  name: string;
  title: string;
  /** A paragraph each. */
  description: readonly string[];
  /** The words of which one must follow, with what each does; none: it takes neither words nor options. */
  verbs: Readonly<Record<string, string>>;
  /** What the help shows of options that the program itself reads; absent for none. */
  flags?: readonly Flag[];
}

const serveFlag = (name: string, kind: Flag["kind"], repeats: boolean, description: string): Flag => ({
  ...{ for: { field: name }, name, letter: null, kind, repeats, choices: null, description },
});

export const serveCommand: OtherCommand = {
  name: "serve",
  title: "Serve the same to AI agents, as MCP tools on stdin and stdout",
  description: [
    "An MCP client starts it as a child process; it ends when its standard input does.",
    "Files of this machine are copied in and out of the folders given by --local-root, else of those that the client names as its roots; of none where there are neither. Private keys, credentials and .env files are left alone even there.",
  ],
  verbs: {},
  flags: [
    serveFlag("local-root", "text", true, "Folder here whose files may be copied, instead of those the client names"),
    serveFlag("allow-secret-files", "boolean", false, "Copy keys, credentials and .env files as any other"),
  ],
};

/** What the command line does about the broker; `run` is the broker itself, and `main.ts` starts it. */
const brokerVerbs = {
  status: "Show the broker that runs; exit status 1 when there is none, and none is started",
  stop: "Stop what runs on its sessions, close their connections, and end it",
  restart: "Stop it, and start one of this version",
};

export type BrokerVerb = keyof typeof brokerVerbs;

export const isBrokerVerb = (word: string): word is BrokerVerb => Object.hasOwn(brokerVerbs, word);

/** How `main.ts` is told to be the broker. */
const brokerItself = "run";

export const brokerCommand: OtherCommand = {
  name: "broker",
  title: "Look at, stop or restart the process that keeps the sessions",
  description: [
    "The first command that needs a broker starts it. It ends a minute after its last connection, command and client are gone.",
    "When it stops, its sessions stay in the list: the next use connects again. Those that take a person to log in are opened with connect again.",
    "Exit status: 0, 1 when it failed or status finds none, 2 for wrong usage.",
  ],
  verbs: { ...brokerVerbs, [brokerItself]: "Be the broker, in the foreground; other commands start it so" },
};

export const demoCommand: OtherCommand = {
  name: "demo",
  title: "Show all of it in two seconds, against a server of its own",
  description: [
    "It starts an SSH server on this machine for itself alone, and runs the commands it shows; nothing is left behind.",
    "Exit status: 0, 1 when a step failed (its code is shown), 128 and the signal's number when interrupted.",
  ],
  verbs: {},
};

/** In the order the help shows them. */
export const otherCommands: readonly OtherCommand[] = [serveCommand, brokerCommand, demoCommand];
