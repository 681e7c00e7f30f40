/** `config.toml` as it is now. */
import { statSync } from "node:fs";
import { readSettings, type Settings, settingsFile } from "../../config/settings.ts";
import { baseDirectory } from "../../files/base-directory.ts";

let last: { path: string; identity: string; settings: Settings } | null = null;

/** Reads it again only when it has changed: a stat otherwise. @throws SshMcpError CONFIG_INVALID */
export const currentSettings = (base = baseDirectory(process.env)): Settings => {
  const path = settingsFile(base);
  const identity = identityOf(path);
  if (last?.path === path && last.identity === identity) return last.settings;
  const settings = readSettings(base);
  last = { path, identity, settings };
  return settings;
};

const identityOf = (path: string): string => {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats === undefined ? "none" : [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(" ");
};
