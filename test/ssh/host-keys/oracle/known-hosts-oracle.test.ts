import { afterAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import {
  checkHostKey,
  type KnownKey,
  knownHostName,
  readKnownHosts,
} from "../../../../src/ssh/host-keys/known-hosts.ts";
import { hashHostName } from "../../../../src/ssh/host-keys/known-hosts-line.ts";
import { fingerprint } from "../../../../src/ssh/public-key.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { mustRun, runCommand } from "../../../support/command.ts";
import { makeKey } from "../../../support/keys.ts";
import { startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { ecdsa, ed25519, rsa, text, unknownType } from "../known-hosts-keys.ts";

afterAll(cleanup);
const folder = tempDir("known-oracle");
const file = join(folder, "known_hosts");

const hosts = ["web", "web.example.com", "10.0.0.5", "2001:db8::1"];
const names = hosts.flatMap((host) => [host, `[${host}]:2222`]);

const plain = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...names) },
  {
    weight: 2,
    arbitrary: fc.constantFrom("*", "web*", "*.example.com", "WEB", "?b", "[*]:2222", "[web]:*", "10.0.0.?"),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", "w?b", "**", "[web]", "[web]:22", "web:2222", "WEB.Example.*", "*:*", "wéb", "??b*"),
  },
);
const list = fc
  .array(fc.tuple(fc.constantFrom("", "", "", "", "!", "!!"), plain), { minLength: 1, maxLength: 4 })
  .map((patterns) => patterns.map(([negation, pattern]) => negation + pattern).join(","));
const hashed = fc
  .tuple(fc.constantFrom(...names), fc.uint8Array({ minLength: 20, maxLength: 20 }))
  .map(([name, salt]) => hashHostName(name, salt));
const usable = fc.constantFrom(...[ed25519(1), ed25519(2), rsa(1), rsa(3, 1024), ecdsa].map(text));
const unusable = fc.constantFrom(
  ...[rsa(1, 1016), unknownType, ed25519(1).subarray(0, 40)].map(text),
  text(rsa(1)).replace("ssh-rsa", "rsa-sha2-256"),
  text(ed25519(1)).replace("ssh-ed25519", "ssh-rsa"),
  "ssh-ed25519",
  "ssh-ed25519 AAAA",
  "1024 65537 1234567890",
  "",
  "#",
  `${text(ed25519(1)).slice(0, -6)}*****=`,
  text(ed25519(1)).replace(" ", "  "),
  text(rsa(1)).slice(0, -20),
  text(ed25519(2)).toUpperCase(),
);
const key = fc.oneof({ weight: 4, arbitrary: usable }, { weight: 1, arbitrary: unusable });
const entry = fc
  .tuple(
    fc.constantFrom("", "", "", "  "),
    fc.constantFrom(
      ...["", "", "", "", "", "@revoked ", "@cert-authority ", "@revoked\t ", "@bogus ", "@", "@revoked", "@Revoked "],
    ),
    fc.oneof(
      { weight: 6, arbitrary: list },
      { weight: 3, arbitrary: hashed },
      fc.constantFrom("|1|c2FsdA==|aGFzaA==", "|2|a|b", "|", "|1||", "!web", "#web", ","),
      fc.tuple(hashed, fc.constantFrom(",web", "x", "|", "=")).map((parts) => parts.join("")),
    ),
    fc.constantFrom(" ", " ", "\t", "  "),
    key,
    fc.constantFrom("", " ann@laptop", "\r", "\t# comment", " ", " \r"),
  )
  .map((parts) => parts.join(""));
const lines = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: entry },
    fc.constantFrom(
      "",
      "# web",
      "web",
      "\t",
      "\r",
      "@revoked",
      "web ssh-ed25519",
      "  # *",
      `web,${"x,".repeat(2000)} ${text(ed25519(1))}`,
    ),
  ),
  { maxLength: 10 },
);

/** The last line may lack its own. */
const ending = fc.constantFrom("\n", "\n", "\n", "\r\n");

/** The usable entries ssh-keygen finds for a name: `LINE KIND FINGERPRINT`. */
const found = async (name: string): Promise<string[]> => {
  const outcome = await runCommand(["ssh-keygen", "-l", "-F", name, "-f", file]);
  const headers = [...outcome.stdout.matchAll(/^# Host .* found: line (\d+) ?(CA|REVOKED)?.*\n.* (SHA256:\S+).*$/gm)];
  return headers.map(([, line, kind = "", print]) => `${line} ${kind} ${print}`);
};

const ours = (keys: readonly KnownKey[], kind: string): string[] =>
  keys.map((one) => `${one.line} ${kind} ${fingerprint(one.key)}`);

const byLine = (a: string, b: string): number => Number.parseInt(a, 10) - Number.parseInt(b, 10);

/** Compares what is found under a name, and returns how much that was. Marked lines count under the name without port, too. */
const compare = async (host: string, port: number): Promise<number> => {
  const known = await readKnownHosts([file], { host, port });
  const under = await found(knownHostName({ host, port }));
  const alone = port === 22 ? under : await found(host);
  const either = [...new Set([...under, ...alone])].sort(byLine);
  const marked = (kind: string) => (line: string) => line.split(" ")[1] === kind;
  expect(ours(known.keys, "")).toEqual(under.filter(marked("")));
  expect(ours(known.keysWithoutPort, "")).toEqual(alone.filter((line) => marked("")(line) && !under.includes(line)));
  expect(ours(known.revoked, "REVOKED")).toEqual(either.filter(marked("REVOKED")));
  expect(ours(known.certAuthorities, "CA")).toEqual(under.filter(marked("CA")));
  expect(ours(known.certAuthoritiesWithoutPort, "CA")).toEqual(
    alone.filter((line) => marked("CA")(line) && !under.includes(line)),
  );
  return under.length;
};

describe("equal to ssh-keygen -F", () => {
  test("for generated files", async () => {
    let matches = 0;
    await fc.assert(
      fc.asyncProperty(
        lines,
        ending,
        fc.constantFrom(...hosts),
        fc.constantFrom(22, 2222),
        async (written, end, host, port) => {
          writeFileSync(file, written.join(end));
          matches += await compare(host, port);
        },
      ),
      { numRuns: 600 },
    );
    // Files in which nothing is ever found would prove nothing.
    expect(matches).toBeGreaterThan(120);
  }, 60_000);

  test("for files that ssh-keygen -H hashed", async () => {
    const several = fc.array(fc.tuple(fc.constantFrom(...names), usable), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(several, async (entries) => {
        writeFileSync(file, entries.map(([name, written]) => `${name} ${written}\n`).join(""));
        await mustRun(["ssh-keygen", "-q", "-H", "-f", file]);
        for (const name of hosts.slice(0, 2)) for (const port of [22, 2222]) await compare(name, port);
      }),
      { numRuns: 25 },
    );
  }, 30_000);
});

test("ssh says the same of a server's key", async () => {
  const server = await startSshd({ hostKeys: ["ed25519"] });
  const shown = server.hostKeys[0];
  if (shown === undefined) throw new Error("the server has no key");
  const other = await makeKey({ type: "ed25519" });
  const rsaKey = await makeKey({ type: "rsa" });
  const name = `[127.0.0.1]:${server.port}`;
  const cases: [string, string[]][] = [
    ["match", [`${name} ${shown.line}`]],
    ["match", [`127.0.0.1 ${shown.line}`]],
    ["match", [`${name} ${other.line}`, `${name} ${shown.line}`]],
    ["changed", [`${name} ${other.line}`]],
    ["changed", [`${name} ${rsaKey.line}`]],
    ["changed", [`127.0.0.1 ${shown.line}`, `${name} ${other.line}`]],
    ["unknown", [`127.0.0.1 ${other.line}`]],
    ["unknown", [`@cert-authority ${name} ${shown.line}`]],
    ["unknown", []],
    ["revoked", [`@revoked * ${shown.line}`, `${name} ${shown.line}`]],
  ];
  for (const [expected, written] of cases) {
    writeFileSync(file, written.map((line) => `${line}\n`).join(""));
    const options = [
      `UserKnownHostsFile=${file}`,
      "GlobalKnownHostsFile=none",
      "BatchMode=yes",
      "StrictHostKeyChecking=yes",
    ];
    const { stderr } = await runCommand([
      ...["ssh", "-F", "none", "-p", String(server.port)],
      ...options.flatMap((option) => ["-o", option]),
      ...["127.0.0.1", "true"],
    ]);
    const theirs = /Permission denied/.test(stderr)
      ? "match"
      : /IDENTIFICATION HAS CHANGED/.test(stderr)
        ? "changed"
        : /REVOKED HOST KEY/.test(stderr)
          ? "revoked"
          : /No \S+ host key is known/.test(stderr)
            ? "unknown"
            : stderr;
    const known = await readKnownHosts([file], { host: "127.0.0.1", port: server.port });
    expect([written, theirs]).toEqual([written, expected]);
    expect([written, checkHostKey(known, shown.blob).status as string]).toEqual([written, expected]);
  }
}, 30_000);
