/** Command lines that a person's own configuration has run: `ProxyCommand`, `Match exec`, `PasswordCommand`. */

/** Where such a command runs: the world of whoever called, never the broker's own. */
export interface CommandWorld {
  /** All of it, as `ssh` would hand on its own. */
  environment: Readonly<Record<string, string>>;
  cwd: string;
}

/**
 * The words that run a command line in the person's shell, as ssh(1) does: `$SHELL`, else sh. With `exec` the shell makes room for the command,
 * so that ending the process ends it.
 */
export const shellWords = (line: string, { environment }: CommandWorld, { exec }: { exec: boolean }): string[] => {
  const shell = environment["SHELL"] ?? "";
  return [shell === "" ? "/bin/sh" : shell, "-c", exec ? `exec ${line}` : line];
};
