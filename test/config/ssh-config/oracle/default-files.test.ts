/** Without -F: the user's own file, then the system's, as they are read for a person of this machine. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { cleanup } from "../../../support/cleanup.ts";
import { makeUser } from "../../../support/users.ts";
import { compare } from "./compare.ts";
import { fileText, hosts } from "./generated-config.ts";

afterAll(cleanup);

test("generated files, which include others beside them", async () => {
  const account = await makeUser();
  const at = (name: string): string => join(account.home, ".ssh", name);
  // They stay root's, whose files both sides trust.
  mkdirSync(at("conf.d"), { recursive: true });
  const includes = [
    "conf.d/*.conf",
    "conf.d/a.conf",
    "~/.ssh/conf.d/b.conf",
    "missing",
    "./conf.d/b.conf",
    `~${account.name}/.ssh/conf.d/a.conf`,
  ];
  const host = fc.constantFrom(...hosts);
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(
      fileText(includes, "none"),
      fileText(["conf.d/b.conf"], "none"),
      fileText([], "none"),
      host,
      async (own, a, b, name) => {
        for (const [path, text] of Object.entries({ config: own, "conf.d/a.conf": a, "conf.d/b.conf": b })) {
          // Which user asks is a question to the kernel, and ours is root.
          writeFileSync(at(path), text.replaceAll("%i", ""));
        }
        if (await compare({ file: null, host: name, account })) accepted += 1;
      },
    ),
    { numRuns: 100 },
  );
  // A few have the host itself for a jump host, which both sides refuse.
  expect(accepted).toBeGreaterThan(80);
}, 60_000);

test("nobody's own file", async () => {
  const account = await makeUser();
  expect(await compare({ file: null, host: "web1", account })).toBe(true);
  expect(await compare({ file: null, host: "web1", account, options: ["HashKnownHosts=no", "SendEnv=-LC_*"] })).toBe(
    true,
  );
  expect(await compare({ file: "none", host: "web1", account })).toBe(true);
  expect(await compare({ file: "/dev/null", host: "web1", account })).toBe(true);
});
