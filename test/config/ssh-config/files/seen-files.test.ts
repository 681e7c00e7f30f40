import { afterAll, expect, test } from "bun:test";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SeenFiles } from "../../../../src/config/ssh-config/files/seen-files.ts";
import { resolveHost } from "../../../../src/config/ssh-config/resolve.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { tempDir } from "../../../support/temp.ts";

afterAll(cleanup);

const write = (path: string, text: string): void => writeFileSync(path, text, { mode: 0o600 });

/** A home whose configuration includes a file, a folder and what is not there yet. */
const configured = () => {
  const home = tempDir("seen");
  const ssh = join(home, ".ssh");
  mkdirSync(join(ssh, "conf.d"), { recursive: true, mode: 0o700 });
  write(join(ssh, "config"), "Include one\nInclude conf.d/*\nInclude later/file\nHost web\n  Port 1\n");
  write(join(ssh, "one"), "Host one\n");
  write(join(ssh, "conf.d/two"), "Host two\n");
  const seen = new SeenFiles();
  const systemFile = join(home, "system");
  const request = { host: "web", user: null, port: null, identityFiles: [], configFile: null, options: [] };
  resolveHost(request, { home, cwd: "/", localUser: "me", variables: new Map(), systemFile, seen });
  return { seen, ssh, systemFile };
};

type Place = Omit<ReturnType<typeof configured>, "seen">;

test.each<[string, (place: Place) => void]>([
  ["the user's file is edited", ({ ssh }) => write(join(ssh, "config"), "Host web\n  Port 2\n")],
  ["it is replaced", ({ ssh }) => renameSync(join(ssh, "one"), join(ssh, "config"))],
  ["it goes", ({ ssh }) => rmSync(join(ssh, "config"))],
  ["an included file is edited", ({ ssh }) => write(join(ssh, "conf.d/two"), "Host other\n")],
  ["another comes into an included folder", ({ ssh }) => write(join(ssh, "conf.d/three"), "Host three\n")],
  ["an included file that was not there comes", ({ ssh }) => mkdirSync(join(ssh, "later"))],
  ["the system's file comes", ({ systemFile }) => write(systemFile, "Host web\n")],
])("they are not the same when %s", (_, change) => {
  const { seen, ...place } = configured();
  expect(seen.areSame).toBe(true);
  change(place);
  expect(seen.areSame).toBe(false);
});

test("they are the same whatever else is written beside them", () => {
  const { seen, ssh } = configured();
  write(join(ssh, "known_hosts"), "web ssh-ed25519 AAAA\n");
  expect(seen.areSame).toBe(true);
});
