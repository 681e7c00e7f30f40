import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { exec } from "../../src/operations/exec.ts";

/** Fields and what is said of them, for input on which the schema has nothing to say. */
const issuesOf = (input: Record<string, unknown>): string[] => {
  const parsed = v.parse(exec.input, { target: "web", ...input });
  return exec.validate(parsed).map(({ field, message }) => `${field}: ${message}`);
};

const values: Readonly<Record<string, unknown>> = {
  ...{ pty: true, interpreter: "sh", sudo: true, become: "su", onTimeout: "background", cwd: "/", env: { A: "b" } },
};

describe("takes", () => {
  test.each<Record<string, unknown>>([
    { command: "true" },
    { command: "echo \u0001" },
    { command: "é\u{1f600}" },
    { command: "x".repeat(512 * 1024) },
    { argv: ["ls", "", "a b", "\n"] },
    { command: "true", env: { A: "", _b2: "one\ntwo" }, cwd: "-odd\n", stdin: "", timeout: 0.001, idleTimeout: 86_400 },
    { command: "true", stdinBase64: "" },
    { command: "true", stdinBase64: "AAEC/+8=" },
    { command: "true", stdinBase64: Buffer.alloc(512 * 1024).toString("base64") },
    { command: "true", stdin: "a\0b" },
    { command: "true", maxOutput: 0 },
    { command: "true", maxOutput: 4 * 1024 * 1024 },
    { command: "true", interpreter: "none", pty: true },
    { command: "a\nb", interpreter: "none" },
    { argv: ["dir"], interpreter: "powershell", cwd: "C:\\", env: { A: "b" } },
    { command: "true", shell: "main", timeout: 5 },
    { command: "true", shell: "main", pty: false },
  ])("%p", (input) => {
    expect(issuesOf(input)).toEqual([]);
  });
});

describe("refuses", () => {
  const time = "must be more than 0 seconds and at most a day";
  test.each<[Record<string, unknown>, string | RegExp]>([
    [{}, "command: is required, or argv"],
    [{ command: "a", argv: ["a"] }, "argv: cannot be given together with command"],
    [{ command: "" }, "command: is empty"],
    [{ command: " \n\t" }, "command: is empty"],
    [{ command: "echo a\0b" }, "command: cannot hold a NUL byte"],
    [{ command: "x".repeat(512 * 1024 + 1) }, "command: must be at most 524288 bytes"],
    [{ command: "ü".repeat(256 * 1024 + 1) }, "command: must be at most 524288 bytes"],
    [{ argv: [] }, "argv: must begin with a command"],
    [{ argv: [""] }, "argv: must begin with a command"],
    [{ argv: ["a", "\0"] }, "argv: cannot hold a NUL byte"],
    [{ argv: Array.from({ length: 4097 }, () => "a") }, "argv: must be at most 4096 words"],
    [{ command: "a", cwd: "" }, "cwd: is empty"],
    [{ command: "a", cwd: "\0" }, "cwd: cannot hold a NUL byte"],
    [{ command: "a", cwd: "x".repeat(4097) }, "cwd: must be at most 4096 bytes"],
    [{ command: "a", env: { "": "x" } }, 'env: "" is no name of a variable'],
    [{ command: "a", env: { "1A": "x" } }, 'env: "1A" is no name of a variable'],
    [{ command: "a", env: { "A;touch /tmp/x": "x" } }, 'env: "A;touch /tmp/x" is no name of a variable'],
    [{ command: "a", env: { "A\n": "x" } }, 'env: "A\\n" is no name of a variable'],
    ...["ssh_mcp", "ssh_mcp_s", "LC_SSH_MCP"].map((name): [Record<string, unknown>, string] => [
      { command: "a", env: { [name]: "/bin/echo" } },
      `env: ${name} is a name that ssh-mcp uses itself on the server`,
    ]),
    [{ command: "a", become: "su", sudo: false }, "become: does not go with sudo: false"],
    [{ command: "a", env: { A: "\0" } }, "env: cannot hold a NUL byte"],
    [{ command: "a", env: { A: "x".repeat(65_537) } }, "env: must be at most 65536 bytes"],
    [
      { command: "a", env: Object.fromEntries(Array.from({ length: 257 }, (_, index) => [`A${index}`, ""])) },
      "env: must be at most 256 variables",
    ],
    [{ command: "a", stdin: "x", stdinBase64: "eA==" }, "stdinBase64: cannot be given together with stdin"],
    [{ command: "a", stdin: "x".repeat(512 * 1024 + 1) }, "stdin: must be at most 524288 bytes"],
    [
      { command: "a", stdinBase64: Buffer.alloc(512 * 1024 + 1).toString("base64") },
      "stdinBase64: must be at most 524288 bytes",
    ],
    [{ command: "a", stdinBase64: "no base64!" }, /^stdinBase64: is not base64/],
    [{ command: "a", stdinBase64: "AAE" }, /^stdinBase64: is not base64/],
    [{ command: "a", stdinBase64: "AAE_" }, /^stdinBase64: is not base64/],
    [{ command: "a", timeout: 0 }, `timeout: ${time}`],
    [{ command: "a", timeout: -1 }, `timeout: ${time}`],
    [{ command: "a", timeout: 86_401 }, `timeout: ${time}`],
    [{ command: "a", idleTimeout: -1 }, `idleTimeout: ${time}`],
    [{ command: "a", maxOutput: -1 }, "maxOutput: must be a whole number from 0 to 4194304"],
    [{ command: "a", maxOutput: 1.5 }, "maxOutput: must be a whole number from 0 to 4194304"],
    [{ command: "a", maxOutput: 4_194_305 }, "maxOutput: must be a whole number from 0 to 4194304"],
    [{ command: "a\nb", interpreter: "cmd" }, "command: must be one line for cmd"],
    ...(["none", "cmd"] as const).flatMap((interpreter): [Record<string, unknown>, string][] => [
      [{ command: "a", interpreter, cwd: "/" }, `cwd: does not go with interpreter ${interpreter}`],
      [{ command: "a", interpreter, env: { A: "b" } }, `env: does not go with interpreter ${interpreter}`],
      [{ argv: ["a"], interpreter }, `argv: does not go with interpreter ${interpreter}`],
      [{ command: "a", interpreter, sudo: true }, `sudo: does not go with interpreter ${interpreter}`],
    ]),
    [{ command: "a", interpreter: "powershell", pty: true }, "pty: does not go with interpreter powershell"],
    [{ command: "a", interpreter: "powershell", become: "su" }, "become: does not go with interpreter powershell"],
    ...["pty", "interpreter", "sudo", "become", "onTimeout", "cwd", "env"].map(
      (field): [Record<string, unknown>, string] => [
        { command: "a", shell: "main", [field]: values[field] },
        `${field}: does not go with a lasting shell`,
      ],
    ),
    [{ command: "a", onTimeout: "background", pty: true }, "pty: does not go with a job"],
  ])("%p", (input, said) => {
    const [first, ...others] = issuesOf(input);
    expect(others).toEqual([]);
    if (typeof said === "string") expect(first).toBe(said);
    else expect(first).toMatch(said);
  });
});
