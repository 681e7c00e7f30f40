/** Whatever may be said of a host is read back as it was said, by ssh itself and by our own parser. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { checkEntry, checkWhole } from "../../../src/config/own-config/check-entry.ts";
import { findEntry, newEntry } from "../../../src/config/own-config/entry-edit.ts";
import { linesFor } from "../../../src/config/own-config/entry-fields.ts";
import { linesOf, textOf, withAppended, withoutEntry } from "../../../src/config/own-config/own-file.ts";
import type { HostFields } from "../../../src/core/hosts.ts";
import { cleanup } from "../../support/cleanup.ts";
import { runCommand } from "../../support/command.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

const environment = { home: "/home/me", cwd: "/", localUser: "me" };

/** Undefined for what is refused. */
const entryOf = (fields: HostFields): string[] | undefined => {
  try {
    const entry = newEntry("n", linesFor("n", fields));
    checkEntry("n", entry, environment);
    return entry;
  } catch {
    return undefined;
  }
};

// Characters that one of the readers takes for something else.
const odd = fc.string({
  unit: fc.constantFrom(..."ab/.~ \"'\\#=$(){}`;&|<>*?!,:@-\t\n\r%é\u0000\u001b\u202e"),
  maxLength: 12,
});
const fields = fc.record(
  {
    host: fc.oneof(odd, fc.domain(), fc.ipV6()),
    user: odd,
    port: fc.integer({ min: -1, max: 70_000 }),
    identityFile: fc.array(odd, { minLength: 1, maxLength: 3 }),
    jump: fc.oneof(odd, fc.domain()),
  },
  { requiredKeys: [] },
);

test("an entry is one Host line and a line for each thing that was said, in any file", () => {
  const before = fc.array(
    fc.constantFrom(
      "Host a b",
      "  Port 22",
      "",
      "# x",
      "\t# Host n",
      "Match all",
      "User u",
      "#| Host n",
      "  Compression=yes\r",
    ),
  );
  fc.assert(
    fc.property(fields, before, (said, lines) => {
      const entry = entryOf(said);
      if (entry === undefined) return;
      const text = lines.map((line) => `${line}\n`).join("");
      const added = withAppended(linesOf(text), entry);
      expect(textOf(added).startsWith(text)).toBe(true);
      checkWhole("/b/ssh_config", textOf(added), "n", environment);
      const found = findEntry(added, "/b/ssh_config", "n");
      expect(found === null ? [] : added.slice(found.start, found.end)).toEqual(entry);
      const without = found === null ? [] : withoutEntry(added, found);
      expect(textOf(without).trimEnd()).toBe(text.trimEnd());
    }),
    { numRuns: 2000 },
  );
});

test("ssh reads back what was said", async () => {
  const file = join(tempDir("oracle"), "ssh_config");
  const samples = fc.sample(fields, { numRuns: 3000, seed: 7 }).filter((said) => entryOf(said) !== undefined);
  // One file, a host each: what one says is none of the others'.
  const chosen = samples.filter(({ identityFile }) => identityFile !== undefined).slice(0, 60);
  expect(chosen.length).toBeGreaterThan(30);
  const entries = chosen.map((said, index) => newEntry(`h${index}`, linesFor(`h${index}`, said)).join("\n"));
  writeFileSync(file, `${entries.join("\n\n")}\n`, { mode: 0o600 });
  await Promise.all(
    chosen.map(async (said, index) => {
      const { stdout, status } = await runCommand(["ssh", "-F", file, "-G", `h${index}`]);
      expect({ status, said }).toEqual({ status: 0, said });
      const values = (name: string): string[] =>
        stdout
          .split("\n")
          .filter((line) => line.startsWith(`${name} `))
          .map((line) => line.slice(name.length + 1));
      expect(values("identityfile")).toEqual([...new Set(said.identityFile)]);
      if (said.user !== undefined) expect(values("user")).toEqual([said.user]);
      if (said.port !== undefined) expect(values("port")).toEqual([String(said.port)]);
      // ssh writes an address in a form of its own.
      if (said.host !== undefined && !said.host.includes(":"))
        expect(values("hostname")).toEqual([said.host.toLowerCase()]);
    }),
  );
});
