/** CanonicalizeHostname against a resolver that is known in advance, and the second reading. */
import { afterAll, expect, test } from "bun:test";
import { resolve } from "../../../../src/config/ssh-config/resolve.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { environment, request } from "../requests.ts";
import { thrownBy } from "../thrown.ts";

afterAll(cleanup);

/** What the world's resolver knows; the value is what a name stands for. */
const known: Readonly<Record<string, string | null>> = {
  "web.b.example.": null,
  "web.c.example.": null,
  "full.example.": null,
  "alias.b.example.": "real.prod.example.",
  plain: "plain.prod.example",
};

const outcome = (lines: string, host: string) => {
  const asked: string[] = [];
  const names = {
    lookUp: (name: string, family: string) => {
      asked.push(family === "any" ? name : `${name} ${family}`);
      const canonicalName = known[name];
      return canonicalName === undefined ? null : { canonicalName };
    },
  };
  const { host: resolved } = resolve(request(host), { ...environment(`${lines}\n`), names });
  return { hostname: resolved.hostname, port: resolved.port, asked };
};

const domains = "CanonicalDomains a.example B.example. c.example\n";
const cnames = "CanonicalizePermittedCNAMEs *.B.example,plain:*.prod.example\n";

test.each<[string, string, string, string[]]>([
  [domains, "web", "web", []],
  [`CanonicalizeHostname yes\n${domains}`, "Web", "web.b.example", ["web.a.example.", "web.b.example."]],
  [`CanonicalizeHostname yes\n${domains}`, "none", "none", ["none.a.example.", "none.b.example.", "none.c.example."]],
  ["CanonicalizeHostname yes\nCanonicalDomains none", "web", "web", []],
  [`CanonicalizeHostname yes\n${domains}`, "x.y.z", "x.y.z", []],
  [`CanonicalizeHostname yes\nCanonicalizeMaxDots 0\n${domains}`, "x.y", "x.y", []],
  [`CanonicalizeHostname yes\n${domains}`, "full.example.", "full.example", ["full.example."]],
  [`CanonicalizeHostname yes\n${domains}`, "10.1", "10.0.0.1", []],
  [
    `CanonicalizeHostname yes\nAddressFamily inet\n${domains}`,
    "web",
    "web.b.example",
    ["web.a.example. inet", "web.b.example. inet"],
  ],
  [`CanonicalizeHostname yes\nProxyJump j\n${domains}`, "web", "web", []],
  [
    `CanonicalizeHostname always\nProxyCommand nc\n${domains}`,
    "web",
    "web.b.example",
    ["web.a.example.", "web.b.example."],
  ],
  [`CanonicalizeHostname yes\n${domains}`, "alias", "alias.b.example", ["alias.a.example.", "alias.b.example."]],
  [
    `CanonicalizeHostname yes\n${domains}${cnames}`,
    "alias",
    "real.prod.example",
    ["alias.a.example.", "alias.b.example."],
  ],
  [`CanonicalizeHostname yes\n${cnames}`, "plain", "plain.prod.example", ["plain"]],
  [`CanonicalizeHostname no\n${cnames}`, "plain", "plain", []],
  ["CanonicalizeHostname yes\nHostName web.%h\nCanonicalDomains example", "b", "web.b.example", ["web.b.example."]],
])("%p: %s is %s", (lines, host, hostname, asked) => {
  expect(outcome(lines, host)).toMatchObject({ hostname, asked });
});

test("a name in no domain is refused where it must be in one", () => {
  const lines = `CanonicalizeHostname yes\nCanonicalizeFallbackLocal no\n${domains}`;
  expect(thrownBy(() => outcome(lines, "none")).code).toBe("DNS_FAILED");
  expect(outcome(lines, "web").hostname).toBe("web.b.example");
});

test("the configuration is read again for the new name", () => {
  const lines = `CanonicalizeHostname yes\n${domains}Host *.b.example\n Port 7\nHost web\n Port 8\n`;
  expect(outcome(lines, "web").port).toBe(8);
  expect(outcome(lines.replace("Host web", "Host other"), "web").port).toBe(7);
  expect(outcome(`CanonicalizeHostname yes\n${domains}Match canonical host *.b.example\n Port 9\n`, "web").port).toBe(
    9,
  );
  expect(outcome("Match canonical\n Port 9\n", "web").port).toBe(22);
  expect(outcome("Match final host one.*\n Port 9\nHost web\n HostName one.example\n", "web").port).toBe(9);
  // What was settled by the first reading stays.
  expect(outcome("Match final\n HostName two.example\n Port 9\n", "web")).toMatchObject({ hostname: "web", port: 9 });
});

test("a name that nobody can look up is an error, and not a guess", () => {
  const env = environment(`CanonicalizeHostname yes\n${domains}`);
  expect(thrownBy(() => resolve(request("web"), env)).code).toBe("UNSUPPORTED");
});
