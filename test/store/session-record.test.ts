import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { parseRecord } from "../../src/store/session-record.ts";
import { recordOf } from "./records.ts";

const parse = (value: unknown, name = "web") => parseRecord(JSON.stringify(value), name);
const base = recordOf("web");
const { request } = base;

describe("parseRecord", () => {
  test("reads what was written", () => {
    const full = recordOf("web", {
      title: "the ünicode\nweb server",
      request: {
        destination: "ssh://ann@[::1]:2222",
        user: "ann",
        port: 2222,
        identityFiles: ["/home/ann/.ssh/id_ed25519"],
        configFile: "/home/ann/conf",
        options: ["Compression=yes", ""],
      },
      hostKey: "SHA256:abcDEF0123456789+/abcDEF0123456789+/abcDEF0",
      openedBy: { face: "mcp", client: "" },
      lent: false,
      ttlMs: 0,
      needsPerson: true,
    });
    expect(full.hostKey.length).toBe(50);
    for (const record of [base, full, recordOf("web", { request: { ...request, configFile: "none" } })]) {
      expect(parse(record)).toEqual({ kind: "record", record });
    }
  });

  test("passes over a field that a later release added, and does not keep it", () => {
    const later = { ...base, colour: "red", openedBy: { ...base.openedBy, pid: 1 } };
    expect(parse(later)).toEqual({ kind: "record", record: base });
  });

  test.each([
    { ...base, version: 2 },
    { version: 99, anything: true },
    { version: 2 },
    // Without it, another server would be reached.
    { ...base, request: { ...request, jump: "bastion" } },
  ])("leaves a later release's record alone: %j", (value) => {
    expect(parse(value)).toEqual({ kind: "newer" });
  });

  test.each([
    ["version", { ...base, version: 0 }],
    ["version", { ...base, version: "1" }],
    ["version", { ...base, version: 1.5 }],
    ["version", { ...base, version: null }],
    ["key", { ...base, key: base.key.toUpperCase() }],
    ["key", { ...base, key: `${base.key}0` }],
    ["name", { ...base, name: "../web" }],
    ["title", { ...base, title: "x".repeat(4097) }],
    ["title", { ...base, title: undefined }],
    ["request", { ...base, request: null }],
    ["request.destination", { ...base, request: [] }],
    ["request.destination", { ...base, request: { ...request, destination: "" } }],
    ["request.port", { ...base, request: { ...request, port: 0 } }],
    ["request.port", { ...base, request: { ...request, port: 65536 } }],
    ["request.identityFiles.0", { ...base, request: { ...request, identityFiles: ["id"] } }],
    ["request.identityFiles.0", { ...base, request: { ...request, identityFiles: ["./~/id"] } }],
    ["request.configFile", { ...base, request: { ...request, configFile: "conf" } }],
    ["request.options", { ...base, request: { ...request, options: Array(65).fill("") } }],
    ["resolved.port", { ...base, resolved: { ...base.resolved, port: 22.5 } }],
    ["resolved.host", { ...base, resolved: { port: 22, user: "ann" } }],
    ["hostKey", { ...base, hostKey: "MD5:00" }],
    ["hostKey", { ...base, hostKey: `SHA256:${"A".repeat(42)}\n` }],
    ["authMethod", { ...base, authMethod: "" }],
    ["openedBy.face", { ...base, openedBy: { face: "web", client: "x" } }],
    ["lent", { ...base, lent: "yes" }],
    ["createdAt", { ...base, createdAt: "yesterday" }],
    ["lastUsedAt", { ...base, lastUsedAt: 1_700_000_000_000 }],
    ["lastUsedAt", { ...base, lastUsedAt: "2025-99-99T00:00:00.000Z" }],
    ["ttlMs", { ...base, ttlMs: -1 }],
    ["ttlMs", { ...base, ttlMs: 1e300 }],
    ["needsPerson", { ...base, needsPerson: null }],
  ])("a wrong %s is corrupt: %#", (field, value) => {
    expect(parse(value)).toEqual({ kind: "corrupt", reason: `its ${field} is not what a record holds` });
  });

  test.each([
    "",
    "{",
    "null",
    "[]",
    "1",
    '"text"',
    "\0",
    `${JSON.stringify(base)}}`,
    JSON.stringify(base).slice(0, -1),
  ])("what is no record is corrupt: %j", (text) => expect(parseRecord(text, "web").kind).toBe("corrupt"));

  test("a record under another name is corrupt: a copied file is no second session", () => {
    expect(parse(base, "web-2")).toEqual({ kind: "corrupt", reason: "it holds another session's name" });
  });

  test("no text makes it throw, and a reason shows nothing of the text", () => {
    const secret = "S3CRET";
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map((value) => JSON.stringify({ ...base, key: value })),
    );
    fc.assert(
      fc.property(anything, (text) => {
        const parsed = parseRecord(text, "web");
        expect(["record", "newer", "corrupt"]).toContain(parsed.kind);
      }),
    );
    for (const field of Object.keys(base)) {
      const parsed = parse({ ...base, [field]: { [secret]: secret } });
      expect(parsed.kind === "corrupt" || field === "request").toBe(true);
      expect(JSON.stringify(parsed)).not.toContain(secret);
    }
  });
});
