import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { HostEnvironment, HostRequest } from "../../../src/config/ssh-config/resolve.ts";
import { tempDir } from "../../support/temp.ts";

/** An environment whose user and system files hold these lines. */
export const environment = (user: string | null, system: string | null = null): HostEnvironment => {
  const home = tempDir("home");
  mkdirSync(join(home, ".ssh"), { mode: 0o700 });
  const systemFile = join(home, "system_config");
  if (user !== null) writeFileSync(join(home, ".ssh/config"), user, { mode: 0o600 });
  if (system !== null) writeFileSync(systemFile, system);
  return { home, cwd: "/desk", localUser: "me", variables: new Map([["KEYS", "/keys"]]), systemFile };
};

export const request = (host: string, more: Partial<HostRequest> = {}): HostRequest => ({
  host,
  user: null,
  port: null,
  identityFiles: [],
  configFile: null,
  options: [],
  ...more,
});
