import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatDestination, parseDestination } from "../../src/core/destination.ts";
import { SshMcpError } from "../../src/core/errors.ts";
import { escapeLine } from "../../src/core/escape.ts";

const good: [text: string, user: string | null, host: string, port: number | null][] = [
  ["web", null, "web", null],
  ["web_1.Example.", null, "web_1.Example.", null],
  ["web:2222", null, "web", 2222],
  ["web:1", null, "web", 1],
  ["web:65535", null, "web", 65535],
  ["web:00022", null, "web", 22],
  ["deploy@web", "deploy", "web", null],
  ["deploy@web:2222", "deploy", "web", 2222],
  ["a@b@web", "a@b", "web", null],
  ["first.last+tag@web", "first.last+tag", "web", null],
  ["DOMAIN\\user@web", "DOMAIN\\user", "web", null],
  ["192.0.2.7:22", null, "192.0.2.7", 22],
  ["2001:db8::1", null, "2001:db8::1", null],
  ["2001:db8::1:22", null, "2001:db8::1:22", null],
  ["root@::1", "root", "::1", null],
  ["[2001:db8::1]", null, "2001:db8::1", null],
  ["root@[2001:db8::1]:22", "root", "2001:db8::1", 22],
  ["fe80::1%eth0", null, "fe80::1%eth0", null],
  ["[fe80::1%eth0]:22", null, "fe80::1%eth0", 22],
  ["bücher.example", null, "bücher.example", null],
  ["日本.example:22", null, "日本.example", 22],
  ["ssh", null, "ssh", null],
  ["ssh:22", null, "ssh", 22],
  ["ssh://web", null, "web", null],
  ["ssh://web/", null, "web", null],
  ["SSH://deploy@web:2222", "deploy", "web", 2222],
  ["ssh://first%40corp@web", "first@corp", "web", null],
  ["ssh://first@corp@web", "first@corp", "web", null],
  ["ssh://a%2Fb@web", "a/b", "web", null],
  ["ssh://root@[::1]:22", "root", "::1", 22],
  ["ssh://[fe80::1%25eth0]:22", null, "fe80::1%eth0", 22],
];

const bad: [text: string, says: RegExp][] = [
  ["", /is empty/],
  [" ", /a space/],
  ["@web", /empty user/],
  ["deploy@", /no host/],
  [":22", /no host/],
  ["@", /empty user/],
  ["web:", /the port/],
  ["web:0", /the port/],
  ["web:65536", /the port/],
  ["web:-1", /the port/],
  ["web:+22", /the port/],
  ["web:22x", /the port/],
  ["web:ssh", /the port/],
  ["web:٢٢", /the port/],
  ["web:000022", /the port/],
  ["[::1]:", /the port/],
  ["[::1]:0", /the port/],
  ["[::1]22", /not an IPv6|host name cannot/],
  ["[web]:22", /not an IPv6/],
  ["[]:22", /not an IPv6/],
  ["[::1", /not an IPv6/],
  ["a:b:c", /not an IPv6/],
  ["web::22", /not an IPv6/],
  ["fe80::1%eth0:22", /not an IPv6/],
  ["web%eth0", /host name cannot/],
  ["-oProxyCommand=id", /host in .* begins with a dash/],
  ["root@-v", /host in .* begins with a dash/],
  ["-l@web", /user in .* begins with a dash/],
  ["ssh://-v@web", /user in .* begins with a dash/],
  ["ssh://%2Dv@web", /user in .* begins with a dash/],
  ["web;id", /host name cannot/],
  ["we b", /a space/],
  [" web", /a space/],
  ["web\n", /a space/],
  ["web\0", /cannot be seen/],
  ["web\x1b[31m", /cannot be seen/],
  ["web\x7f", /cannot be seen/],
  ["web\x9b", /cannot be seen/],
  ["web\u202e", /cannot be seen/],
  ["web\u200b", /cannot be seen/],
  ["web\ufe0f", /cannot be seen/],
  ["web\u00a0", /a space, .*U\+00A0/],
  ["web\ud800", /cannot be seen/],
  ["ro\u2066ot@web", /cannot be seen/],
  ["ssh://ro%0aot@web", /user name cannot/],
  ["ssh://ro%00ot@web", /user name cannot/],
  ["ssh://ro%E2%80%AEot@web", /user name cannot/],
  ["ssh://ro%ot@web", /percent-encoded/],
  ["ssh://ro%ff@web", /percent-encoded/],
  ["ssh://", /no host/],
  ["ssh://@web", /empty user/],
  ["ssh://web/etc", /a path or a query/],
  ["ssh://web?x", /a path or a query/],
  ["ssh://web#x", /a path or a query/],
  ["ssh://root:secret@web", /a password/],
  ["ssh://root:@web", /a password/],
  ["ssh://w%65b", /host name cannot/],
  ["sftp://web", /the port/],
  ["web/etc", /host name cannot/],
  ["root\\@web", /user name cannot/],
];

const refusal = (text: string): SshMcpError => {
  try {
    parseDestination(text);
  } catch (error) {
    if (error instanceof SshMcpError) return error;
    throw error;
  }
  throw new Error(`${JSON.stringify(text)} was accepted`);
};

describe("parsing destinations", () => {
  test.each(good)("%j", (text, user, host, port) => {
    expect(parseDestination(text)).toEqual({ given: text, user, host, port });
  });

  test.each(bad)("%j is refused", (text, says) => {
    const { code, message, hint } = refusal(text);
    expect(code).toBe("INVALID_INPUT");
    expect(message).toMatch(says);
    expect(hint).not.toBeNull();
    expect(escapeLine(message)).toBe(message);
  });

  test("every shell metacharacter is refused in a host, and those OpenSSH refuses in a user", () => {
    for (const character of "'`\"$;&<>|(){}\\,*?!#~=^+/[] ") {
      expect([character, refusal(`we${character}b`).code]).toEqual([character, "INVALID_INPUT"]);
      expect([character, refusal(`root@we${character}b`).code]).toEqual([character, "INVALID_INPUT"]);
    }
    for (const character of "'`\"$;&<>|(){} ") expect(refusal(`ro${character}ot@web`).code).toBe("INVALID_INPUT");
    for (const character of "\\,*?!#~=^+/[]@%.-_")
      expect(parseDestination(`ro${character}ot@web`).user).toBe(`ro${character}ot`);
  });

  test.each([
    "root:hunter2@web",
    "ssh://root%3Ahunter2@web",
    "ssh://root:hunter2@web",
    "ssh://root:hunter2@we b",
    "ssh://root:hun/hunter2@web",
    "ssh://root:hun\nhunter2@web",
    "root:hunter2@we;b",
    "root:hunter2@",
  ])("the message about %j does not repeat the password", (text) => {
    expect(JSON.stringify(refusal(text).toRecord())).not.toContain("hunter2");
  });

  test("the message shows the text escaped and cut", () => {
    expect(refusal("we\x1b[31mb").message).toContain('"we\\x1b[31mb"');
    expect(refusal("we\u{e0041}b").message).toContain("(U+E0041)");
    expect(refusal(`we b${"x".repeat(100_000)}`).message.length).toBeLessThan(250);
  });
});

/** What ssh itself makes of a destination: the oracle, where our grammar is not meant to differ. */
const ssh = (destination: string) => {
  const done = Bun.spawnSync(["ssh", "-F", "none", "-G", "--", destination], { stdin: "ignore" });
  if (done.exitCode !== 0) return null;
  const lines = done.stdout
    .toString()
    .split("\n")
    .map((line) => line.split(" "));
  const value = (keyword: string) => lines.find(([name]) => name === keyword)?.[1] ?? "";
  return { user: value("user"), host: value("hostname"), port: Number(value("port")) };
};

describe("as ssh(1) does", () => {
  const defaultUser = ssh("web")?.user;
  const same = ["web", "deploy@web", "a@b@web", "DOMAIN\\user@web", "2001:db8::1", "root@::1"];
  const uris = ["ssh://web", "ssh://web/", "ssh://deploy@web:2222", "ssh://a%40b@web:22"];

  test.each([...same, ...uris])("%s", (text) => {
    const { user, host, port } = parseDestination(text);
    expect(ssh(text)).toEqual({ user: user ?? defaultUser ?? "", host, port: port ?? 22 });
  });

  test.each(["@web", "-v@web", "ro;ot@web", "root\\@web", "we,b", "we$b", "ssh://web/etc", "ssh://@web"])(
    "%s is refused",
    (text) => {
      expect(ssh(text)).toBeNull();
      expect(refusal(text).code).toBe("INVALID_INPUT");
    },
  );
});

const character = "abcXYZ019._+-@/\\%[]!#*?~=^,é日";
const user = fc
  .string({ unit: fc.constantFrom(...character), minLength: 1 })
  .filter((text) => !text.startsWith("-") && !text.endsWith("\\"));
const host = fc.oneof(
  fc.stringMatching(/^[a-zA-Z0-9_.é日][a-zA-Z0-9_.é日-]*$/),
  fc.ipV4(),
  fc.ipV6(),
  fc.constantFrom("fe80::1%eth0", "fe80::1%25", "::"),
);
const port = fc.option(fc.integer({ min: 1, max: 65_535 }));

describe("the canonical form", () => {
  test.each([
    [{ user: null, host: "web", port: null }, "web"],
    [{ user: "deploy", host: "web", port: 2222 }, "deploy@web:2222"],
    [{ user: null, host: "::1", port: null }, "::1"],
    [{ user: "root", host: "::1", port: 22 }, "root@[::1]:22"],
  ])("%j is %s", (parts, text) => {
    expect(formatDestination(parts)).toBe(text);
  });

  test("parses back to the same parts", () => {
    fc.assert(
      fc.property(fc.record({ user: fc.option(user), host, port }), (parts) => {
        const text = formatDestination(parts);
        expect(parseDestination(text)).toEqual({ given: text, ...parts });
      }),
      { numRuns: 1000 },
    );
  });

  test("any text is refused, or has a canonical form with the same parts", () => {
    const piece = fc.constantFrom(
      "ssh://",
      "@",
      ":",
      "[",
      "]",
      "%25",
      "%",
      "web",
      "22",
      "::1",
      "root",
      "/",
      "é",
      "-",
      " ",
      "\\",
    );
    const text = fc.oneof(
      fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join("")),
      fc.string({ unit: "binary" }),
    );
    fc.assert(
      fc.property(text, (input) => {
        let parsed: ReturnType<typeof parseDestination>;
        try {
          parsed = parseDestination(input);
        } catch (error) {
          expect(error).toMatchObject({ code: "INVALID_INPUT" });
          return;
        }
        const { user, host, port } = parsed;
        expect(parseDestination(formatDestination(parsed))).toMatchObject({ user, host, port });
      }),
      { numRuns: 3000 },
    );
  });
});
