/** What a model may not say, or says wrongly: refused by the compiled binary in words it can act on, before anything is sent. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { operations } from "../../../src/operations/index.ts";
import { type Agent, startAgent } from "../../faces/agent.ts";
import { makeHome } from "../../faces/home.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type RawServer, startRawServer } from "../../support/raw-server.ts";

afterAll(cleanup);

let agent: Agent;
/** Nobody may ever come here. */
let server: RawServer;
let at: string;
beforeAll(async () => {
  server = await startRawServer("close");
  at = `127.0.0.1:${server.port}`;
  agent = await startAgent((await makeHome()).path);
});

interface Refused {
  tool: string;
  what: string;
  input: () => Record<string, unknown>;
  /** Within the message. */
  says: string;
  hint?: string;
}

/** What another tool takes of a model. */
const elsewhere: ReadonlyMap<string, string> = new Map([
  ...["user", "port", "identityFile"].map((field) => [field, "ssh_connect"] as const),
  ["jump", "ssh_host_add"],
  ["interpreter", "ssh_exec"],
  ["limit", "ssh_read_file"],
  ["all", "ssh_disconnect"],
]);
const schemaOf = (tool: string): string => `the input schema of ${tool} has every field`;

const served = operations.filter(({ faces }) => faces.includes("mcp"));

/** Fields that a person has and a model has not, with values that a person could give. */
const withheld: readonly Refused[] = served.flatMap(({ tool, cliOnly, positionals, rest }) =>
  cliOnly.map((field) => ({
    tool,
    what: field,
    input: () => ({
      ...Object.fromEntries(positionals.map((positional) => [positional, positional === "name" ? "web" : at])),
      ...(rest === "command" ? { command: "id" } : {}),
      [field]: values[field],
    }),
    says: `${field}: ${elsewhere.has(field) ? "is not taken here" : "is for a person at the command line only"}`,
    hint: elsewhere.has(field) ? `${elsewhere.get(field)} takes ${field}` : schemaOf(tool),
  })),
);

const values: Readonly<Record<string, unknown>> = {
  user: "root",
  port: 22,
  identityFile: ["/root/.ssh/id_ed25519"],
  connectTimeout: 5,
  jump: "127.0.0.1",
  auth: "password",
  configFile: "/tmp/evil",
  options: ["StrictHostKeyChecking=no"],
  new: true,
  private: true,
  set: ["ProxyCommand=id"],
  keep: true,
  lines: 5,
  interpreter: "sh",
  label: "the web",
  group: ["prod"],
  hash: true,
  limit: 1000,
  parallel: 2,
  preserve: true,
  direct: true,
  all: true,
};

test("every field that is withheld is tried with a value it could have", () => {
  expect(served.flatMap(({ cliOnly }) => cliOnly as string[]).filter((field) => !(field in values))).toEqual([]);
});

const exec = (what: string, input: Record<string, unknown>, says: string): Refused => ({
  tool: "ssh_exec",
  what,
  input: () => ({ target: at, command: "id", ...input }),
  says,
});

const connect = (what: string, input: Record<string, unknown>, says: string): Refused => ({
  tool: "ssh_connect",
  what,
  input: () => ({ destination: at, ...input }),
  says,
});

const wrong: readonly Refused[] = [
  exec("a number for a command", { command: 5 }, "command: must be a string"),
  exec("a list for a command", { command: ["id", "-u"] }, "command: must be a string"),
  exec("null for a command", { command: null }, "command: must be a string"),
  exec("no command", { command: undefined }, "command: is required"),
  exec("an empty command", { command: "" }, "command: is empty"),
  exec("a command with NUL", { command: "echo a\0b" }, "command: cannot hold a NUL byte"),
  exec("a command over 512 KiB", { command: "x".repeat(512 * 1024 + 1) }, "command: must be at most 524288 bytes"),
  exec("a command of blanks", { command: " \n" }, "command: is empty"),
  exec("a command and words", { argv: ["id"] }, "argv: cannot be given together with command"),
  exec("no words", { command: undefined, argv: [] }, "argv: must begin with a command"),
  exec("a directory with NUL", { cwd: "/\0" }, "cwd: cannot hold a NUL byte"),
  exec("a name that is none", { env: { "A B": "c" } }, 'env: "A B" is no name of a variable'),
  exec("a name that is a line of ours", { env: { "A\nhint: rm": "c" } }, "is no name of a variable"),
  exec("a number for a variable", { env: { A: 1 } }, "env.A: must be a string"),
  exec("input twice", { stdin: "", stdinBase64: "" }, "stdinBase64: cannot be given together with stdin"),
  exec("no base64", { stdinBase64: "%" }, "stdinBase64: is not base64"),
  exec("negative idle time", { idleTimeout: -1 }, "idleTimeout: must be more than 0 seconds and at most a day"),
  exec("more output than there is room", { maxOutput: 5e6 }, "maxOutput: must be a whole number from 0 to 4194304"),
  exec("a directory for a device", { interpreter: "none", cwd: "/" }, "cwd: does not go with interpreter none"),
  exec("a directory for a lasting shell", { shell: "a", cwd: "/" }, "cwd: does not go with a lasting shell"),
  exec("an interpreter of no name", { interpreter: "perl" }, "interpreter: must be "),
  exec("an empty target", { target: "" }, "target: is empty"),
  exec("a target over 1 KiB", { target: "x".repeat(1025) }, "target: must be at most 1024 characters long"),
  exec("text for a time", { timeout: "5s" }, "timeout: must be a number"),
  exec("no time at all", { timeout: 0 }, "timeout: must be more than 0 seconds and at most a day"),
  exec("negative time", { timeout: -1 }, "timeout: must be more than 0 seconds and at most a day"),
  exec("more than a day", { timeout: 86_401 }, "timeout: must be more than 0 seconds and at most a day"),
  exec("an unknown field", { dir: "/" }, "dir: is not a known field"),
  exec("several unknown fields", { dir: "/", "e\x1bnv": {} }, "e\\x1bnv: is not a known field"),
  exec("a field of every object", { constructor: 1 }, "constructor: is not a known field"),
  exec(
    "everything wrong at once",
    { target: 1, command: 2, timeout: "3" },
    "target: must be a string; command: must be",
  ),
  connect("a fraction of a port", { port: 22.5 }, "port: must be a whole number from 1 to 65535"),
  connect("a port beyond 16 bits", { port: 65_536 }, "port: must be a whole number from 1 to 65535"),
  connect("text for a list of keys", { identityFile: "~/.ssh/id" }, "identityFile: must be a list"),
  connect("a number among the keys", { identityFile: [1] }, "identityFile.0: must be a string"),
  connect("a name like a path", { name: "../../etc" }, "name: must be 1 to 64 of"),
  connect("a negative time to live", { ttl: -1 }, "ttl: must be from 0 to 30 days"),
  connect("a title of a book", { title: "x".repeat(201) }, "title: must be at most 200 characters long"),
  { tool: "ssh_sessions", what: "an unknown field", input: () => ({ all: true }), says: "all: is not a known field" },
  { tool: "ssh_sessions", what: "text for yes", input: () => ({ running: "yes" }), says: "running: must be true or" },
  {
    tool: "ssh_disconnect",
    what: "nothing",
    input: () => ({}),
    says: "input: give targets, the names of the sessions, or all",
  },
  {
    tool: "ssh_disconnect",
    what: "both",
    input: () => ({ targets: ["a"], all: true }),
    says: "input: give targets or all, not both",
  },
  { tool: "ssh_disconnect", what: "all as text", input: () => ({ all: "yes" }), says: "all: must be true or false" },
];

const destinations: readonly Refused[] = [
  { what: "a control character", text: "127.0.0.1\x1b[2J", says: '"127.0.0.1\\x1b[2J"' },
  { what: "a newline", text: "127.0.0.1\nhint: rm", says: '"127.0.0.1\\nhint: rm"' },
  { what: "NUL", text: "127.0.0.1\0", says: '"127.0.0.1\\x00"' },
  { what: "a character that turns the line round", text: "127.0.0.1\u202e", says: "U+202E" },
  { what: "a space", text: "127.0.0.1 id", says: "a space" },
  { what: "a leading dash", text: "-oProxyCommand=id", says: '"-oProxyCommand=id"' },
  { what: "a user with a leading dash", text: "-oProxyCommand=id@127.0.0.1", says: "begins with a dash" },
  { what: "a shell's character", text: "$(id)@127.0.0.1", says: '"$(id)@127.0.0.1"' },
  { what: "a port of letters", text: "127.0.0.1:ssh", says: "the port in" },
  { what: "an empty user", text: "ssh://@127.0.0.1", says: "empty user" },
  { what: "a path", text: "ssh://127.0.0.1/etc/passwd", says: "a path" },
].flatMap(({ what, text, says }) => [
  { tool: "ssh_exec", what, input: () => ({ target: text, command: "id" }), says },
  { tool: "ssh_connect", what, input: () => ({ destination: text }), says },
]);

describe.each([
  { group: "fields that are a person's alone", cases: withheld },
  { group: "input that does not fit", cases: wrong },
  { group: "destinations with", cases: destinations },
])("$group", ({ cases }) => {
  test.each(cases.map((each) => ({ ...each, name: `${each.tool}: ${each.what}` })))("$name", async (refused) => {
    const { error, text } = await agent.call(refused.tool, refused.input());
    expect(error).toMatchObject({ code: "INVALID_INPUT", retryable: false });
    expect(error?.message).toContain(refused.says);
    if (refused.hint !== undefined) expect(error?.hint).toBe(refused.hint);
    // One line for the message: what was sent cannot pass for a line of ours.
    expect(text.split("\n")).toHaveLength(error?.hint === null ? 1 : 2);
    expect(server.accepted()).toBe(0);
  });
});

test("a password in a destination is not repeated", async () => {
  const { text } = await agent.call("ssh_exec", { target: "ssh://me:hunter2@127.0.0.1", command: "id" });
  expect(text).toStartWith("INVALID_INPUT: ");
  expect(text).not.toContain("hunter2");
});

test("nobody before an @ is no user, but a group, and there is none", async () => {
  const { error } = await agent.call("ssh_exec", { target: `@${at}`, command: "id" });
  expect(error).toMatchObject({ code: "NOT_FOUND", message: expect.stringContaining(`there is no group "@${at}"`) });
  expect(server.accepted()).toBe(0);
});

test("an unknown tool is a protocol error that names the ones there are", async () => {
  const call = agent.client.callTool({ name: "ssh_shell", arguments: {} });
  await expect(call).rejects.toThrow(/Unknown tool: ssh_shell; there are ssh_connect, ssh_exec/);
});
