/** A channel that is kept for files gives way to commands, on servers that have few. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { startDropbear } from "../../../support/dropbear.ts";
import { makeKey } from "../../../support/keys.ts";
import { startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { callOf, cli, execOn, named } from "../sessions.ts";
import { configFor, connectTo, contentOf, filesOf, ranOn } from "./servers.ts";

setDefaultTimeout(30_000);

let config: string;
let registry: SessionRegistry;
let path: string;

beforeAll(async () => {
  const key = await makeKey();
  const few = (count: number) => startSshd({ authorizedKeys: [key.line], options: [`MaxSessions ${count}`] });
  const servers = {
    one: await few(1),
    two: await few(2),
    ten: await few(10),
    untagged: await startSshd({ authorizedKeys: [key.line], options: ["AcceptEnv NOTHING"] }),
    dropbear: await startDropbear({ authorizedKeys: [key.line] }),
  };
  config = configFor(servers, key);
  path = join(tempDir("files"), "hello");
  writeFileSync(path, "hello\n");
  Bun.spawnSync(["chmod", "-R", "a+rX", join(path, "..")]);
});
beforeEach(() => {
  registry = new SessionRegistry();
});
afterEach(() => registry.closeAll());
afterAll(cleanup);

const read = (name: string) => filesOf(registry, name, (files) => contentOf(files, path));
const run = async (name: string, command: string, call = callOf(), onStdout = () => {}) =>
  execOn(await registry.use(named(name), call), command, call, onStdout);

describe.each(["one", "two", "dropbear"])("with few channels (%s)", (name) => {
  beforeEach(() => connectTo(registry, config, name));

  test("files and commands take turns, at once and over one connection", async () => {
    for (let count = 0; count < 3; count++) {
      expect(await read(name)).toBe("hello\n");
      const startedAt = performance.now();
      expect(await run(name, "echo ran")).toMatchObject({ stdout: "ran\n", exitCode: 0 });
      expect(performance.now() - startedAt).toBeLessThan(5000);
    }
    expect(registry.liveConnections).toBe(1);
  });

  test("a command that comes while files are read gets its channel", async () => {
    const results = await Promise.all([read(name), run(name, "echo a"), read(name), run(name, "echo b"), read(name)]);
    expect(results).toMatchObject(["hello\n", { stdout: "a\n" }, "hello\n", { stdout: "b\n" }, "hello\n"]);
  });

  test("a call's own program does not wait for its own files", async () => {
    const both = filesOf(registry, name, async (files, machine) => {
      const first = await contentOf(files, path);
      const { stdout } = await ranOn(machine, "echo between");
      return [files.via, first, stdout, await contentOf(files, path)];
    });
    expect(await both).toEqual(["sftp", "hello\n", "between\n", "hello\n"]);
    expect(registry.liveConnections).toBe(1);
  });

  test("files are read while a command runs, over another connection", async () => {
    const begun = Promise.withResolvers<void>();
    const call = callOf();
    const running = run(name, "echo begun; sleep 600", call, begun.resolve);
    await begun.promise;
    expect(await read(name)).toBe("hello\n");
    call.leave();
    expect(await running).toMatchObject({ outcome: "canceled" });
  });
});

test("what is kept takes nothing from the commands of a connection", async () => {
  await connectTo(registry, config, "ten");
  await read("ten");
  const begun = Array.from({ length: 8 }, () => Promise.withResolvers<void>());
  const calls = begun.map(() => callOf());
  const running = begun.map(({ resolve }, index) => run("ten", "echo begun; sleep 600", calls[index], resolve));
  await Promise.all(begun.map(({ promise }) => promise));
  expect(registry.liveConnections).toBe(1);
  for (const call of calls) call.leave();
  expect(await Promise.all(running)).toMatchObject(running.map(() => ({ stopped: "confirmed" })));
});

test("a stop is confirmed beside what is kept, where the server takes no tag", async () => {
  await connectTo(registry, config, "untagged");
  expect(await read("untagged")).toBe("hello\n");
  const begun = Promise.withResolvers<void>();
  const call = callOf();
  const running = run("untagged", "echo begun; sleep 600", call, begun.resolve);
  await begun.promise;
  call.leave();
  expect(await running).toMatchObject({ outcome: "canceled", stopped: "confirmed" });
  expect(await read("untagged")).toBe("hello\n");
  expect(registry.list(cli)).toMatchObject([{ state: "live" }]);
});
