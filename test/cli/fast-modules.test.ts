/**
 * What a warm command loads before its request leaves, for a plain answer, and for every other one, taken from the very build of the binary. Whoever makes one of these
 * files import another has to say so here: each costs every command something, and most of node's modules cost more than all of these.
 */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { join, resolve } from "node:path";
import { build } from "../../src/build.ts";
import { cleanup } from "../support/cleanup.ts";
import { tempDir } from "../support/temp.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

let inputs: Bun.BuildMetafile["inputs"];
beforeAll(async () => {
  const main = resolve(import.meta.dir, "../../src/main.ts");
  ({ inputs } = await build(main, join(tempDir("build"), "ssh-mcp")));
});

/**
 * The files that are imported statically, from these on, and the modules that are none of ours. `required`: what a function asks for
 * when it is called, which for these is never in a warm command.
 */
const loadedFrom = (...entries: string[]) => {
  const files = new Set(entries);
  const others = new Set<string>();
  const required = new Set<string>();
  for (const file of files) {
    for (const { path, kind } of inputs[file]?.imports ?? []) {
      if (kind === "require-call") required.add(`${file}: ${path}`);
      else if (kind !== "import-statement") continue;
      else if (inputs[path] === undefined) others.add(path);
      else files.add(path);
    }
  }
  return { files: [...files].sort(), others: [...others].sort(), required: [...required].sort() };
};

test("until the request leaves: nothing but the frames, the socket, and a look at the place", () => {
  expect(loadedFrom("src/main.ts", "src/cli/fast.ts")).toEqual({
    files: [
      "package.json",
      "src/broker/wire/frame.ts",
      "src/broker/wire/opening.ts",
      "src/broker/wire/protocol.ts",
      "src/broker/wire/socket-transport.ts",
      "src/cli/asking.ts",
      "src/cli/fast.ts",
      "src/cli/plain-exec.ts",
      "src/cli/utf8.ts",
      "src/core/error-code.ts",
      "src/core/errors.ts",
      "src/core/place.ts",
      "src/core/version.ts",
      "src/files/background.ts",
      "src/files/libc.ts",
      "src/files/path-text.ts",
      "src/files/place-names.ts",
      "src/files/quick-files.ts",
      "src/files/quick-look.ts",
      "src/main.ts",
    ],
    others: ["bun:ffi"],
    required: ["src/cli/utf8.ts: fs", "src/files/quick-files.ts: fs", "src/files/quick-files.ts: os"],
  });
});

test("for a plain answer: the signals", () => {
  const { files } = loadedFrom("src/main.ts", "src/cli/fast.ts");
  const after = loadedFrom("src/cli/quick-answer.ts");
  expect(after.files.filter((file) => !files.includes(file))).toEqual([
    "src/cli/quick-answer.ts",
    "src/cli/signals.ts",
    "src/core/exit-status.ts",
  ]);
  expect(after.others).toEqual(["bun:ffi"]);
});

test("for every other answer: the client and the streams, and no package", () => {
  const { files } = loadedFrom("src/main.ts", "src/cli/fast.ts", "src/cli/quick-answer.ts");
  const after = loadedFrom("src/cli/fast-call.ts");
  expect(after.files.filter((file) => !files.includes(file))).toEqual([
    "src/broker/client/call-errors.ts",
    "src/broker/client/client-call.ts",
    "src/broker/client/client-questions.ts",
    "src/broker/client/client-world.ts",
    "src/broker/client/client.ts",
    "src/broker/client/input-pump.ts",
    "src/broker/client/patience.ts",
    "src/broker/wire/incoming-stream.ts",
    "src/broker/wire/outgoing-stream.ts",
    "src/broker/wire/replies.ts",
    "src/cli/conduct.ts",
    "src/cli/fast-call.ts",
    "src/cli/input.ts",
    "src/cli/lazy-command-terminal.ts",
    "src/cli/lazy-terminal.ts",
    "src/cli/output.ts",
    "src/cli/printer.ts",
    "src/cli/stop.ts",
    "src/cli/unread.ts",
  ]);
  expect(after.others).toEqual(["bun:ffi"]);
  expect(after.required).toEqual(["src/files/quick-files.ts: fs", "src/files/quick-files.ts: os"]);
});

test("the build is the whole program: what these do not load is there for the others", () => {
  const all = Object.keys(inputs);
  expect(all).toContain("src/ssh/connection.ts");
  expect(all.filter((file) => file.startsWith("node_modules/")).length).toBeGreaterThan(50);
});
