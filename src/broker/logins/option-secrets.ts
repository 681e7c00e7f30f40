/**
 * What `-o` options hold that is not for everybody: values of SetEnv, which no disk keeps, and command lines, which no agent reads. A SetEnv that has
 * lost its values names its variables alone; to ssh_config that is a mistake, so that nothing is ever opened without them.
 */
import { type ConfigLine, lexLine } from "../../config/ssh-config/files/lexer.ts";
import { SshMcpError } from "../../core/errors.ts";
import { quoteWord } from "../../core/quote.ts";

/** Options whose value is a line for a shell, as a person spells them. */
const commands: Readonly<Record<string, string>> = {
  proxycommand: "ProxyCommand",
  remotecommand: "RemoteCommand",
  localcommand: "LocalCommand",
  knownhostscommand: "KnownHostsCommand",
};

/** Whether options hold what no disk keeps: without it the session is another one. */
export const holdValues = (options: readonly string[]): boolean =>
  options.some((option) => environmentOf(option)?.some((each) => each.includes("=")) === true);

/** Whether options have lost such values: a person has to give them again. */
export const lackValues = (options: readonly string[]): boolean =>
  options.some((option) => environmentOf(option)?.some((each) => !each.includes("=")) === true);

/** As they are kept on disk. */
export const withoutValues = (options: readonly string[]): string[] =>
  options.map((option) => {
    const names = environmentOf(option)?.map(nameOf);
    return names === undefined ? option : `SetEnv=${names.join(" ")}`;
  });

/** An option for a person to type again: a value that was not kept has a word to be replaced. */
export const toType = (option: string): string => (lackValues([option]) ? blanked(option) : option);

/** The same error for an agent, which may use a session and not know what a person's options hold. */
export const hiddenFromAgents = (error: SshMcpError, options: readonly string[]): SshMcpError => {
  const hide = (text: string): string => [...new Set(options)].reduce(hideOne, text);
  const { code, retryable } = error;
  const [message, hint] = [hide(error.message), error.hint === null ? null : hide(error.hint)];
  if (message === error.message && hint === error.hint) return error;
  return new SshMcpError(code, message, { ...(hint === null ? {} : { hint }), retryable, cause: error });
};

const hideOne = (text: string, option: string): string => {
  const blank = blanked(option);
  if (blank === option || lackValues([option])) return text;
  const parts = text.split(quoteWord(option)).map((part) => part.replaceAll(option, () => blank));
  return parts.join(quoteWord(blank));
};

const blanked = (option: string): string => {
  const names = environmentOf(option)?.map(nameOf);
  if (names !== undefined) return `SetEnv=${names.map((name) => `${name}=VALUE`).join(" ")}`;
  const line = lineOf(option);
  const command = commands[line?.keyword ?? ""];
  return command === undefined || /^none$/i.test(line?.rest ?? "") ? option : `${command}=COMMAND`;
};

/** The arguments of a SetEnv; undefined for every other option. */
const environmentOf = (option: string): readonly string[] | undefined => {
  const line = lineOf(option);
  return line?.keyword === "setenv" ? line.args : undefined;
};

/** What would have to be quoted is no name that a server takes. */
const nameOf = (argument: string): string => argument.split("=", 1)[0]?.replaceAll(/[^\w.-]/g, "_") || "NAME";

/** Null for what is no option: it is refused where it is used. */
const lineOf = (option: string): ConfigLine | null => {
  try {
    return lexLine(option, { file: null, line: 1 });
  } catch {
    return null;
  }
};
