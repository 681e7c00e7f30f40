/** A command's pipes as a connection: what it carries, how it ends, and what is left of it. */
import { afterAll, expect, test } from "bun:test";
import type { Duplex } from "node:stream";
import { startProxyCommand } from "../../../src/ssh/transport/proxy-command.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { commandLineOf, descendantsOf, isAlive } from "../../support/processes.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);

const start = (line: string, onLine: (line: string) => void = () => {}): Duplex => {
  const environment = { PATH: process.env["PATH"] ?? "/usr/bin:/bin", MARK: "of the caller" };
  const stream = startProxyCommand({ words: ["/bin/sh", "-c", line], environment, cwd: "/tmp", onLine }, "db port 22");
  onCleanup(() => void stream.destroy());
  stream.on("error", () => undefined);
  return stream;
};

const failure = (stream: Duplex): Promise<Error> => new Promise((resolve) => stream.once("error", resolve));
const closed = (stream: Duplex): Promise<void> => new Promise((resolve) => stream.once("close", () => resolve()));
const textOf = async (stream: Duplex, until: RegExp): Promise<string> => {
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString("latin1");
  });
  return await waitFor(() => until.test(text) && text, { what: `${until}` });
};

test("it runs in the caller's world, and carries bytes as they are", async () => {
  const stream = start('echo "$MARK $PWD $HOME."; exec cat');
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  stream.write(bytes);
  expect(await textOf(stream, /\xff$/)).toBe(`of the caller /tmp .\n${bytes.toString("latin1")}`);
});

test("256 MiB go through it and back, and no more of it waits here than streams hold", async () => {
  const stream = start("exec cat");
  const chunk = Buffer.alloc(64 * 1024, "x");
  const total = 256 * 1024 * 1024;
  const [done, most] = [Promise.withResolvers<void>(), { ahead: 0 }];
  let [sent, received] = [0, 0];
  stream.on("data", (data: Buffer) => {
    received += data.length;
    if (received === total) done.resolve();
  });
  const pour = (): void => {
    while (sent < total) {
      sent += chunk.length;
      most.ahead = Math.max(most.ahead, sent - received);
      if (!stream.write(chunk)) return void stream.once("drain", pour);
    }
  };
  pour();
  await done.promise;
  expect(received).toBe(total);
  expect(most.ahead).toBeLessThan(8 * 1024 * 1024);
});

test.each([
  ["echo no route to it >&2; exit 3", "UNREACHABLE", "ProxyCommand for db port 22 ended with status 3"],
  ["echo first >&2; echo >&2; printf last >&2; exit 1", "UNREACHABLE", "ended with status 1"],
  ["printf 'bell\\a\\033[31m' >&2; exit 1", "UNREACHABLE", "ended with status 1"],
  ["exec /nonexistent/proxy", "UNREACHABLE", "ended with status 127"],
  ["kill -KILL $$", "UNREACHABLE", "was ended by SIGKILL"],
  ["echo SSH-2.0-words; exit 0", "CONNECTION_LOST", "ended with status 0"],
  ["exec >&- 2>&-; exec sleep 600", "UNREACHABLE", "ended its output"],
])("%s: the error says how it ended", async (line, code, message) => {
  const stream = start(line);
  stream.resume();
  const error = await failure(stream);
  expect(error).toMatchObject({ code });
  expect(error.message).toContain(message);
});

test("a program that is not there", async () => {
  const stream = startProxyCommand(
    { words: ["/nonexistent/shell"], environment: {}, cwd: "/", onLine: () => {} },
    "db",
  );
  expect(await failure(stream)).toMatchObject({ code: "UNREACHABLE", message: expect.stringContaining("ENOENT") });
});

test("its lines are told as they come", async () => {
  const lines: string[] = [];
  start("printf 'one\\r\\ntwo\\nthr' >&2; sleep 0.1; echo ee >&2; exec cat", (line) => lines.push(line));
  await waitFor(() => lines.length === 3, { what: "three lines" });
  expect(lines).toEqual(["one", "two", "three"]);
});

test("the end of the stream ends all of its process group, also what ignores it", async () => {
  const before = new Set(descendantsOf(process.pid));
  const stream = start("trap '' HUP TERM; sleep 601 & (trap '' HUP TERM; sleep 602) & echo ready; wait");
  await textOf(stream, /ready/);
  const all = await waitFor(
    () => {
      const found = descendantsOf(process.pid).filter((pid) => !before.has(pid));
      return found.filter((pid) => commandLineOf(pid)[0] === "sleep").length === 2 && found;
    },
    { what: "its processes" },
  );
  const end = closed(stream);
  stream.destroy();
  await end;
  expect(all.filter(isAlive)).toEqual([]);
});
