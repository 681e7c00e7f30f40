import { expect, test } from "bun:test";
import { header, replay, type Shown, show } from "./transcript.ts";

const names = { port: "40123", home: "/tmp/home-x1" };

/** Replays with commands that all show the same. */
const after = (text: string, shown: Partial<Shown>) =>
  replay(text, names, async () => ({ status: 0, stdout: "", stderr: "", ...shown }));

test.each([
  ["nothing", {}, []],
  ["both streams and the status", { stdout: "a\nb\n", stderr: "e\n", status: 2 }, ["a", "b", "! e", "[exit 2]"]],
  ["a signal", { status: "SIGTERM" }, ["[exit SIGTERM]"]],
  ["output without an end of line", { stdout: "a\nb" }, ["a", "b (no newline)"]],
  ["an empty line", { stdout: "a\n\nb\n" }, ["a", "\\ ", "b"]],
  [
    "what looks like the format",
    { stdout: "$ x\n# y\n! z\n[exit 1]\n" },
    ["\\ $ x", "\\ # y", "\\ ! z", "\\ [exit 1]"],
  ],
  ["control characters", { stdout: "\x1b[2Jx\r\n", stderr: "\u009bx\n" }, ["\\x1b[2Jx\\x0d", "! \\x9bx"]],
] as [string, Partial<Shown>, string[]][])("shows %s", (_, shown, lines) => {
  expect(show({ status: 0, stdout: "", stderr: "", ...shown })).toEqual(lines);
});

test.each([
  ["exactly", "$ x\nout\n", { stdout: "out\n" }],
  ["by name", "$ x\nport {port} of {home}\n", { stdout: "port 40123 of /tmp/home-x1\n" }],
  ["anything", "$ x\ntook {*} ms.\n", { stdout: "took 12 ms.\n" }],
  ["a regular expression", "$ x\ntook {/\\d+/} ms (ok)\n", { stdout: "took 12 ms (ok)\n" }],
  ["any number of lines", "$ x\na\n{...}\nz\n", { stdout: "a\nb\n\nc\nz\n" }],
  ["JSON", '$ x\n{"port":{port},"list":[{}]}\n', { stdout: '{"port":40123,"list":[{}]}\n' }],
  ["comments and more blocks", "# c\n\n$ x\nout\n\n# d\n$ y\nout\n", { stdout: "out\n" }],
] as [string, string, Partial<Shown>][])("keeps what matches: %s", async (_, text, shown) => {
  expect(await after(text, shown)).toBe(text);
});

test.each([
  ["a missing expectation", "$ x\n", { stdout: "out\n" }, "$ x\nout\n"],
  ["output that stopped", "$ x\nout\n", {}, "$ x\n"],
  ["another status", "$ x\nout\n[exit 1]\n", { stdout: "out\n", status: 2 }, "$ x\nout\n[exit 2]\n"],
  ["the other stream", "$ x\nout\n", { stderr: "out\n" }, "$ x\n! out\n"],
  ["one line among others", "$ x\na {*}\nb\nc {*}\n", { stdout: "a 1\nB\nc 2\n" }, "$ x\na {*}\nB\nc {*}\n"],
  ["values that have a name", "$ x\n", { stdout: "127.0.0.1:40123 140123\n" }, "$ x\n127.0.0.1:{port} 140123\n"],
  ["the end of a line", "$ x\nout\n", { stdout: "out" }, "$ x\nout (no newline)\n"],
] as [string, string, Partial<Shown>, string][])("writes down what differs: %s", async (_, text, shown, result) => {
  expect(await after(text, shown)).toBe(result);
});

test("commands get the values", async () => {
  const commands: string[] = [];
  await replay("$ a -p {port} {no-such} '{x}'\n\n$ b\n", names, async (command) => {
    commands.push(command);
    return { status: 0, stdout: "", stderr: "" };
  });
  expect(commands).toEqual(["a -p 40123 {no-such} '{x}'", "b"]);
});

test("a header stands before the first command", () => {
  const text = "# About this.\n# fixture: sshd \n\n$ x\n# fixture: none\n";
  expect(header(text, "fixture")).toBe("sshd");
  expect(header("$ x\n# fixture: sshd\n", "fixture")).toBeNull();
});
