/** HOME of a person with hosts of their own, and the compiled binary in it. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../../support/binary.ts";
import { endBrokersAtCleanup } from "../../support/brokers.ts";
import { runCommand } from "../../support/command.ts";
import { tempDir } from "../../support/temp.ts";

export interface Place {
  home: string;
  /** `~/.ssh/config`, our own file, and the settings. */
  config: string;
  own: string;
  settings: string;
  /** Our own file's text; empty when there is none. */
  text(): string;
  /** Runs `ssh-mcp hosts WORDS…`. */
  hosts(...words: string[]): ReturnType<typeof run>;
  ssh(...words: string[]): ReturnType<typeof run>;
  /** The one document that `--json` prints. */
  json(...words: string[]): Promise<Record<string, unknown>>;
  /** What `ssh -F FILE -G NAME` says, by keyword. */
  oracle(name: string, file?: string): Promise<Map<string, string[]>>;
}

export const makePlace = (config = "", own: string | null = null): Place => {
  const home = tempDir("home");
  endBrokersAtCleanup(home);
  const ssh = join(home, ".ssh");
  const base = join(home, ".ssh-mcp");
  for (const folder of [ssh, base]) mkdirSync(folder, { mode: 0o700 });
  const files = { config: join(ssh, "config"), own: join(base, "ssh_config"), settings: join(base, "config.toml") };
  writeFileSync(files.config, config, { mode: 0o600 });
  if (own !== null) writeFileSync(files.own, own, { mode: 0o600 });
  const type = (...words: string[]) => run(words, { home });
  return {
    home,
    ...files,
    text: () => (existsSync(files.own) ? readFileSync(files.own, "utf8") : ""),
    hosts: (...words) => type("hosts", ...words),
    ssh: type,
    json: async (...words) => JSON.parse((await type(...words, "--json")).stdout) as Record<string, unknown>,
    oracle: async (name, file = files.own) => optionsOf((await runCommand(["ssh", "-F", file, "-G", name])).stdout),
  };
};

export const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

const optionsOf = (text: string): Map<string, string[]> => {
  const options = new Map<string, string[]>();
  for (const line of text.trimEnd().split("\n")) {
    const [name = "", ...value] = line.split(" ");
    options.set(name, [...(options.get(name) ?? []), value.join(" ")]);
  }
  return options;
};
