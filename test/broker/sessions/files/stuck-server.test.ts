/** SFTP servers that stand still, or end, under somebody else's call. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { mustRun } from "../../../support/command.ts";
import { makeKey } from "../../../support/keys.ts";
import { commandLineOf, descendantsOf } from "../../../support/processes.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { waitFor } from "../../../support/wait.ts";
import { callOf, cli, model } from "../sessions.ts";
import { configFor, connectTo, contentOf, filesOf } from "./servers.ts";

setDefaultTimeout(30_000);
afterAll(cleanup);

let sshd: Sshd;
let config: string;
let registry: SessionRegistry;
let dir: string;
beforeAll(async () => {
  const key = await makeKey();
  sshd = await startSshd({ authorizedKeys: [key.line], options: ["Subsystem sftp /usr/lib/openssh/sftp-server"] });
  config = configFor({ web: sshd }, key);
});
beforeEach(async () => {
  registry = new SessionRegistry();
  await connectTo(registry, config, "web");
  dir = tempDir("files");
  writeFileSync(join(dir, "hello"), "hello\n");
});
afterEach(() => registry.closeAll());

/** SFTP servers of this sshd. */
const servers = (): number[] =>
  descendantsOf(sshd.pid).filter((pid) => commandLineOf(pid)[0] === "/usr/lib/openssh/sftp-server");
const signal = (name: NodeJS.Signals, pids: readonly number[]): void => {
  for (const pid of pids) process.kill(pid, name);
};
const stat = (request = {}, call = callOf()) =>
  filesOf(registry, "web", async (files) => (await files.stat(dir))?.type, call, request);
const list = async (request = {}) =>
  filesOf(
    registry,
    "web",
    async (files) => {
      const names: string[] = [];
      for await (const entries of files.list(dir)) names.push(...entries.map(({ name }) => name));
      return names;
    },
    callOf(),
    request,
  );

describe("a server that stands still", () => {
  let stopped: number[];
  beforeEach(async () => {
    await stat();
    stopped = servers();
    expect(stopped).toHaveLength(1);
    signal("SIGSTOP", stopped);
  });
  afterEach(() => {
    for (const pid of stopped) {
      try {
        process.kill(pid, "SIGCONT");
      } catch {}
    }
  });

  test.each([
    ["look", stat],
    ["list", list],
  ] as const)("costs only whose %s waits for it: who comes next finds another", async (_what, work) => {
    await expect(work({ timeoutMs: 100 })).rejects.toMatchObject({ code: "TIMEOUT" });
    expect(await stat()).toBe("directory");
    expect(await list()).toEqual(["hello"]);
  });

  test("who waits for it along with somebody who gave up waits on, and is answered when it goes on", async () => {
    const waiting = [stat(), list()];
    await expect(stat({ timeoutMs: 100 })).rejects.toMatchObject({ code: "TIMEOUT" });
    signal("SIGCONT", stopped);
    expect(await Promise.all(waiting)).toEqual(["directory", ["hello"]]);
  });

  test("what changes nothing is asked again when it is gone", async () => {
    const waiting = [stat(), list(), filesOf(registry, "web", (files) => contentOf(files, join(dir, "hello")))];
    signal("SIGKILL", stopped);
    expect(await Promise.all(waiting)).toEqual(["directory", ["hello"], "hello\n"]);
  });
});

test("a FIFO is refused beside an upload, which goes on", async () => {
  const pipe = join(dir, "pipe");
  await mustRun(["mkfifo", pipe]);
  const isOver = Promise.withResolvers<void>();
  let hasBegun = false;
  const bytes = async function* () {
    yield Buffer.alloc(100_000);
    await isOver.promise;
    yield Buffer.alloc(100_000);
  };
  const onWritten = (): void => {
    hasBegun = true;
  };
  const upload = filesOf(registry, "web", (files) =>
    files.write(join(dir, "big"), bytes(), { offset: 0, create: "new", mode: null, onWritten }),
  );
  await waitFor(() => hasBegun, { what: "the first bytes" });
  const agent = callOf({ caller: model() });
  const reading = filesOf(registry, "web", (files) => contentOf(files, pipe), agent);
  await expect(reading).rejects.toMatchObject({ code: "UNSUPPORTED" });
  const writing = filesOf(registry, "web", (files) =>
    files.write(pipe, bytes(), { offset: 0, create: "any", mode: null }),
  );
  await expect(writing).rejects.toMatchObject({ code: "UNSUPPORTED" });
  isOver.resolve();
  expect(await upload).toBe(200_000);
  expect(statSync(join(dir, "big")).size).toBe(200_000);
});

test("who asks for something in the moment of a FIFO is answered", async () => {
  const pipe = join(dir, "pipe");
  await mustRun(["mkfifo", pipe]);
  await stat();
  const reading = filesOf(registry, "web", (files) => contentOf(files, pipe));
  const others = [stat(), list(), stat()];
  await expect(reading).rejects.toMatchObject({ code: "UNSUPPORTED" });
  expect(await Promise.all(others)).toEqual(["directory", ["hello", "pipe"], "directory"]);
});

test("a write that is killed was stopped", async () => {
  const endless = async function* () {
    for (;;) {
      yield Buffer.alloc(1000);
      await Bun.sleep(5);
    }
  };
  let hasBegun = false;
  const onWritten = (): void => {
    hasBegun = true;
  };
  const writing = filesOf(registry, "web", (files) =>
    files.write(join(dir, "endless"), endless(), { offset: 0, create: "new", mode: null, onWritten }),
  );
  const failed = writing.catch((error: unknown) => error);
  await waitFor(() => hasBegun, { what: "the first bytes" });
  const [call] = registry.calls(cli);
  expect(await registry.kill([call?.id ?? ""], cli)).toMatchObject([{ stopped: "confirmed" }]);
  expect(await failed).toMatchObject({ code: "CANCELED" });
});
