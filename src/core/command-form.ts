/**
 * How a command is to be run, beside its text. A plain form sends the command byte for byte; every other is brought about by a constant line on
 * the server that reads what varies from standard input, so that no value of it is ever in a process list.
 */

/** What may be asked for by name; `none` is a device without a shell, which gets the bytes and nothing else. */
export const interpreters = ["sh", "bash", "powershell", "cmd", "none"] as const;
export type Interpreter = (typeof interpreters)[number];

/** Another user of the server, whom the whole command runs as. */
export interface Become {
  by: "sudo" | "su";
  user: string;
}

/** As useradd(8) takes them, of directories with a domain too; `#` and a number is a user by id, to sudo. */
export const isUserName = (text: string): boolean =>
  text.length <= 256 && /^(#\d+|[A-Za-z0-9_][A-Za-z0-9_.@\\-]*\$?)$/.test(text);

/** Whether a variable of this name would change what is said to the server around a command. */
export const isOwnVariable = (name: string): boolean => name.startsWith("ssh_mcp") || name === "LC_SSH_MCP";

export interface CommandForm {
  /** The directory to run in; null for the one that a login begins in. */
  cwd: string | null;
  /** Variables to set, beside those of ssh_config. */
  env: Readonly<Record<string, string>>;
  /** Null for the login shell that the server starts, whatever it is. */
  interpreter: Interpreter | null;
  /** Whether it is to have a terminal (RFC 4254, section 6.2), though ssh_config does not ask for one. */
  pty: boolean;
  become: Become | null;
  /** The words that the command line was quoted from, where it was: shells differ in how they read quotes. */
  argv?: readonly string[];
}

export const plainForm: CommandForm = { cwd: null, env: {}, interpreter: null, pty: false, become: null };
