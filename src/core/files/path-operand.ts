/** Words that name paths on a server, as a person types or pastes them: for hints. */
import { quoteWord, quoteWords } from "../quote.ts";

/** What `parseOperand` takes apart again. */
export const pathOperand = (target: string, path: string): string => {
  if (/^ssh:\/\//i.test(target)) return `${target.replace(/\/+$/, "")}/${path}`;
  return `${target}:${path}`;
};

/** Where, and as whom, a call acts: of its input. */
export interface ActsOn {
  target: string;
  sudo?: boolean | string | undefined;
}

/** The option of whoever the call acted as, quoted, with a space behind it; empty for the login's user. */
export const sudoOption = ({ sudo }: ActsOn): string => {
  if (sudo === undefined || sudo === false) return "";
  return sudo === true || sudo === "root" ? "--sudo " : `--sudo=${quoteWord(sudo)} `;
};

/**
 * A command line for the same server, as the same user.
 * @param command its words before the paths
 */
export const commandOn = (where: ActsOn, command: readonly string[], ...paths: readonly string[]): string =>
  `ssh-mcp ${quoteWords(command)} ${sudoOption(where)}${quoteWords(paths.map((path) => pathOperand(where.target, path)))}`;
