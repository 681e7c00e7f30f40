import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";
import { askSsh, askUs } from "./ssh-oracle.ts";

afterAll(cleanup);

const folder = tempDir("ssh-config");
mkdirSync(join(folder, "d"));

const hosts = ["web1", "web2", "WEB1", "db.example.com", "a-b", "10.0.0.5", "127.1", "::1", "x"];
const host = fc.constantFrom(...hosts);
const pattern = fc.oneof(
  host,
  fc.constantFrom("*", "web*", "?eb1", "*.example.com", "*.5", "*b*", "w*b?", "**", "WEB*", "nobody"),
);
const maybeNegated = fc
  .tuple(fc.boolean(), fc.boolean(), pattern)
  .map(([one, two, text]) => (one && two ? `!${text}` : text));
const anyCase = (word: string): fc.Arbitrary<string> => fc.constantFrom(word, word.toLowerCase(), word.toUpperCase());
const separator = fc.constantFrom(" ", " ", " ", "=", " = ", "= ", " =", "\t", "   ");
const quoted = (text: string): fc.Arbitrary<string> => fc.constantFrom(text, text, text, `"${text}"`, `'${text}'`);
const tail = fc.constantFrom("", "", "", "", " ", " # comment", "\t#", "\r", " \f");

const line = (keyword: string, values: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom("", "  ", "\t"), anyCase(keyword), separator, values, tail)
    .map(([indent, word, between, value, end]) => indent + word + between + value + end);

const path = fc.constantFrom("/k/a", "/k/b", "~/k", "~/.ssh/k", "k", "none").chain(quoted);
const file = fc.constantFrom("/h/a", "/h/b", "~/h").chain(quoted);
const value = fc.oneof(
  line("HostName", fc.constantFrom("one.example.com", "ONE", "%h.example.com", "%%h", "10.1", "FE80::1").chain(quoted)),
  line("Port", fc.constantFrom("22", "2201", "0065", "65535").chain(quoted)),
  line(
    "User",
    fc.constantFrom("ann", "bob", "Ann", "a b").chain((name) => (name === "a b" ? fc.constant('"a b"') : quoted(name))),
  ),
  line("IdentityFile", path),
  line("IdentitiesOnly", fc.constantFrom("yes", "no", "True", "FALSE").chain(quoted)),
  line(
    "UserKnownHostsFile",
    fc.array(file, { minLength: 1, maxLength: 3 }).map((files) => files.join(" ")),
  ),
  line("GlobalKnownHostsFile", fc.oneof(fc.constant("none"), fc.constant("/g/a /g/b"))),
  line("StrictHostKeyChecking", fc.constantFrom("yes", "no", "ask", "off", "accept-new", "Yes").chain(quoted)),
  line("HashKnownHosts", fc.constantFrom("yes", "no")),
  line("SendEnv", fc.constant("LANG LC_*")),
  fc.constantFrom("ProxyJump none", "ProxyCommand=none", "proxyjump = NONE"),
  fc.constantFrom(
    "",
    "# comment",
    "   # IdentityFile /no",
    "\t",
    "ServerAliveInterval 5",
    "UserKnownHostsFile # none",
    "Host # none",
    "IgnoreUnknown Bog*,!Bogusx",
  ),
);

const criterion = fc.oneof(
  fc.tuple(fc.constantFrom("host", "originalhost", "HOST"), fc.array(maybeNegated, { minLength: 1, maxLength: 3 })),
  fc.tuple(
    fc.constantFrom("user", "localuser"),
    fc.array(fc.constantFrom("ann", "root", "!bob", "*", "a*"), { minLength: 1, maxLength: 2 }),
  ),
);
const match = fc
  .tuple(
    fc.array(fc.tuple(fc.boolean(), criterion, fc.constantFrom(" ", "=", '"')), { maxLength: 3 }),
    fc.constantFrom("", " all", " !all", " # comment"),
  )
  .map(([criteria, end]) => {
    const words = criteria.map(([negated, [name, list], mark]) => {
      const argument = list.join(",");
      return `${negated ? "!" : ""}${name}${mark === '"' ? ` "${argument}"` : mark + argument}`;
    });
    return words.join(" ") + end;
  })
  .map((text) => text.trim() || "all");

const section = fc.oneof(
  {
    weight: 3,
    arbitrary: line(
      "Host",
      fc.array(maybeNegated, { minLength: 1, maxLength: 4 }).map((list) => list.join(" ")),
    ),
  },
  { weight: 2, arbitrary: match.map((text) => `Match ${text}`) },
);
const malformed = fc.constantFrom(
  "Port abc",
  "Port 0",
  "Port 65536",
  "Port 1 2",
  "Port",
  "Port #",
  "Port =",
  'Port ""',
  "User a b",
  'User "a',
  "User 'a",
  "IdentityFile a b",
  "IdentitiesOnly maybe",
  "StrictHostKeyChecking sometimes",
  "UserKnownHostsFile none /h/a",
  'UserKnownHostsFile "" /h/a',
  "Bogus yes",
  "Match",
  "Match all host web1",
  "Match host",
  "Match nothing web1",
  "Match host web1 user ann all",
  'Host ""',
  "HostName %z",
  "HostName %",
  "ServerAliveCountMax many",
  "ForwardX11 perhaps",
  "Include",
  "=",
  "==",
  '"Port 5',
  'Ho"st" web1',
  '"Port" 7',
  "Port\t=\t7",
  "=Port 8",
);

const text = (includes: fc.Arbitrary<string>, bad: number): fc.Arbitrary<string> =>
  fc
    .array(
      fc.oneof(
        { weight: 10, arbitrary: value },
        { weight: 5, arbitrary: section },
        { weight: 2, arbitrary: includes },
        { weight: bad, arbitrary: malformed },
      ),
      { maxLength: 14 },
    )
    .chain((lines) => fc.constantFrom("\n", "\n", "\r\n").map((end) => lines.join(end) + end));

/** Writes the files, in the order of their names, and gives both answers. */
const both = async (main: string, one: string, two: string, name: string) => {
  writeFileSync(join(folder, "main"), main);
  writeFileSync(join(folder, "d/1.conf"), one);
  writeFileSync(join(folder, "d/2.conf"), two);
  const path = join(folder, "main");
  return { ours: askUs(path, name), theirs: await askSsh(path, name) };
};

const include = (names: readonly string[]): fc.Arbitrary<string> =>
  fc.constantFrom(...names).map((name) => `Include ${join(folder, name)}`);

describe("equal to ssh -G", () => {
  test("generated files", async () => {
    const main = fc
      .constant(null)
      .chain(() => text(include(["d/1.conf", "d/*.conf", "d/?.c[!x]nf", "missing", "d"]), 0));
    const inner = fc.constant(null).chain(() => text(include(["d/2.conf", "d/[2-9]*"]), 0));
    const last = text(fc.constant(""), 0);
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(main, inner, last, host, async (a, b, c, name) => {
        const { ours, theirs } = await both(a, b, c, name);
        expect(ours).toEqual(theirs);
        if (theirs !== null) accepted++;
      }),
      { numRuns: 250 },
    );
    // A generator whose files ssh mostly refuses would compare nothing.
    expect(accepted).toBeGreaterThan(120);
  }, 30_000);

  test("generated files with malformed lines", async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(text(fc.constant(""), 3), host, async (main, name) => {
        const { ours, theirs } = await both(main, "", "", name);
        expect(ours).toEqual(theirs);
        if (theirs === null) refused++;
      }),
      { numRuns: 200 },
    );
    expect(refused).toBeGreaterThan(30);
  }, 30_000);

  test("one line of arbitrary characters", async () => {
    const noise = fc
      .array(fc.constantFrom(..." \t\"'\\=#ab,!*\r\f".split("")), { maxLength: 10 })
      .map((characters) => characters.join(""));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("User ", "User", "User=", "Host ", "Match ", "Match host ", ""),
        noise,
        async (start, rest) => {
          const { ours, theirs } = await both(`${start}${rest}\nPort 7\n`, "", "", "a");
          expect(ours).toEqual(theirs);
        },
      ),
      { numRuns: 300 },
    );
  }, 30_000);

  test.each<{ options: string[] }>([
    { options: ["Port=5"] },
    { options: ["port = 5", "User ann"] },
    { options: ["IdentityFile=~/k", "identityfile /k2"] },
    { options: ["Port 5", "Port 6"] },
    { options: ["Port x"] },
    { options: ["User"] },
    { options: ["StrictHostKeyChecking=off", "UserKnownHostsFile=/a /b"] },
    { options: ['UserKnownHostsFile="/a b"', "HashKnownHosts yes"] },
  ])("$options", async ({ options }) => {
    const main = join(folder, "main");
    writeFileSync(main, "Host *\n Port 9\n IdentityFile /k3\n");
    expect(askUs(main, "web1", options)).toEqual(await askSsh(main, "web1", options));
  });
});
