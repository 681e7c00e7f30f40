import { expect, test } from "bun:test";
import { hostNames, hostsTable } from "../../src/cli/hosts-table.ts";
import type { HostEntry } from "../../src/core/hosts.ts";

const host = (name: string, changes: Partial<HostEntry> = {}): HostEntry => ({
  ...{ name, origin: "/home/me/.ssh/config:3", label: null, groups: [], sessions: [], enabled: true, proposedBy: null },
  ...changes,
});

const hosts = [
  host("web1", { groups: ["prod", "eu"], sessions: ["web1", "web1-2"], label: "the web\u001b[2J" }),
  host("new", { origin: "/home/a b/ssh_config:9", enabled: false, proposedBy: "editor 1.0", label: "new one" }),
];

test("a row per host, the cells before the last one each a word", () => {
  expect(hostsTable(hosts, null)).toBe(
    [
      "NAME  SESSION      GROUPS   FROM                     LABEL",
      "web1  web1,web1-2  prod,eu  /home/me/.ssh/config:3   the web\\x1b[2J",
      'new   disabled     -        /home/a\\ b/ssh_config:9  new one; proposed by "editor 1.0"',
      "",
    ].join("\n"),
  );
});

test("fits 80 columns, and keeps the names", () => {
  const long = host("web1", { label: "x".repeat(200), origin: `/${"y".repeat(200)}:1`, groups: ["z".repeat(60)] });
  const lines = hostsTable([long], 80).trimEnd().split("\n");
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(80);
  expect(lines[1]).toStartWith("web1  -");
});

test("names alone are those that can be used", () => {
  expect(hostNames(hosts)).toBe("web1\n");
});
