/** Files of a session over SFTP: calls that share a channel, which is kept, gives way, and ends. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import { pathText } from "../../../../src/core/files/path-text.ts";
import { quoteWord } from "../../../../src/core/quote.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { startProxy, type TcpProxy } from "../../../support/proxy.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { waitFor } from "../../../support/wait.ts";
import { callOf, cli, execOn, model, named } from "../sessions.ts";
import { bytesOf, configFor, connectTo, contentOf, filesOf, ranOn } from "./servers.ts";

setDefaultTimeout(30_000);

let sshd: Sshd;
let config: string;
let registry: SessionRegistry;
let dir: string;
let proxy: TcpProxy;

beforeAll(async () => {
  const key = await makeKey();
  sshd = await startSshd({ authorizedKeys: [key.line] });
  proxy = await startProxy(sshd);
  config = configFor({ web: { user: sshd.user, port: proxy.port } }, key);
  dir = tempDir("files");
  mkdirSync(join(dir, "folder"));
  writeFileSync(join(dir, "hello"), "hello\n");
});
beforeEach(async () => {
  registry = new SessionRegistry();
  await connectTo(registry, config, "web");
});
afterEach(() => registry.closeAll());
afterAll(cleanup);

/** Subsystems that were started since. */
const started = (since = 0): number =>
  [
    ...sshd
      .log()
      .slice(since)
      .matchAll(/subsystem .sftp. for/g),
  ].length;

test("files are read, listed and written, and one channel serves it all", async () => {
  const since = sshd.log().length;
  expect(await filesOf(registry, "web", (files) => contentOf(files, join(dir, "hello")))).toBe("hello\n");
  const names = await filesOf(registry, "web", async (files) => {
    const all: string[] = [];
    for await (const batch of files.list(dir)) all.push(...batch.map(({ name }) => name));
    return all.sort();
  });
  expect(names).toEqual(["folder", "hello"]);
  const written = filesOf(registry, "web", (files) =>
    files.write(join(dir, "new"), bytesOf("one ", "two"), { offset: 0, create: "new", mode: 0o640 }),
  );
  expect(await written).toBe(7);
  expect(readFileSync(join(dir, "new"), "utf8")).toBe("one two");
  expect(started(since)).toBe(1);
});

test("a program runs beside", async () => {
  const ran = filesOf(registry, "web", (_, machine) => ranOn(machine, "cat; echo over", bytesOf("input\n")));
  expect(await ran).toMatchObject({ outcome: "exited", exitCode: 0, stdout: "input\nover\n" });
});

test("a small file takes two round trips, and one more at first", async () => {
  await filesOf(registry, "web", async () => undefined);
  await registry.closeAll();
  registry = new SessionRegistry();
  await connectTo(registry, config, "web");
  // The channel that is opened ahead of need is there.
  await execOn(await registry.use(named("web"), callOf()), "true");
  const trips: number[] = [];
  proxy.setDelay(25);
  for (let count = 0; count < 4; count++) {
    proxy.resetCount();
    expect(await filesOf(registry, "web", (files) => contentOf(files, join(dir, "hello")))).toBe("hello\n");
    trips.push(proxy.roundTrips());
  }
  proxy.setDelay(0);
  expect(trips).toEqual([3, 2, 2, 2]);
});

test("calls at the same time share what one of them opens", async () => {
  const since = sshd.log().length;
  const reads = Array.from({ length: 20 }, () =>
    filesOf(registry, "web", (files) => contentOf(files, join(dir, "hello"))),
  );
  expect(await Promise.all(reads)).toEqual(reads.map(() => "hello\n"));
  expect(started(since)).toBe(1);
});

test("a call is listed by its label, alone, also while it runs a program, and is stopped by its id", async () => {
  const begun = Promise.withResolvers<void>();
  const ran = Promise.withResolvers<unknown>();
  const call = callOf();
  const working = filesOf(
    registry,
    "web",
    async (_files, machine) => {
      const result = await ranOn(machine, "echo begun; sleep 600", undefined, begun.resolve);
      ran.resolve(result);
      return result;
    },
    call,
    { label: "cp here there" },
  );
  await begun.promise;
  const calls = registry.calls(cli);
  expect(calls).toMatchObject([{ command: "cp here there", session: "web" }]);
  expect(registry.list(cli)).toMatchObject([{ running: 1 }]);
  await registry.kill([calls[0]?.id ?? ""], cli);
  expect(await ran.promise).toMatchObject({ outcome: "canceled", stopped: "confirmed" });
  expect(await working).toMatchObject({ outcome: "canceled" });
  expect(registry.calls(cli)).toEqual([]);
});

test("what is kept open counts for no use", async () => {
  await filesOf(registry, "web", (files) => files.stat(dir));
  expect(registry.list(cli)).toMatchObject([{ running: 0, state: "live" }]);
  expect(registry.busy).toBe(false);
});

test("a call that is stopped ends at once, and takes no other along", async () => {
  const endless = async function* () {
    for (;;) {
      yield new Uint8Array(32 * 1024);
      await Bun.sleep(5);
    }
  };
  const since = sshd.log().length;
  const call = callOf();
  const part = join(dir, "part");
  let hasBegun = false;
  const writing = filesOf(
    registry,
    "web",
    async (files) => {
      try {
        const onWritten = () => {
          hasBegun = true;
        };
        return await files.write(part, endless(), { offset: 0, create: "new", mode: null, onWritten });
      } finally {
        // It may still tidy up after itself.
        await files.remove(part);
      }
    },
    call,
  );
  const other = filesOf(registry, "web", async (files) => {
    await waitFor(() => call.signal.aborted, { what: "the stop" });
    await writing.catch(() => undefined);
    return await contentOf(files, join(dir, "hello"));
  });
  await waitFor(() => hasBegun, { what: "the first bytes" });
  call.leave();
  expect(await writing.catch((error: unknown) => error)).toMatchObject({ code: "CANCELED" });
  expect(await other).toBe("hello\n");
  expect(started(since)).toBe(1);
  expect(existsSync(part)).toBe(false);
});

test("a large file over a long way takes further channels, which end soon after", async () => {
  const since = sshd.log().length;
  const ended = (): number =>
    [
      ...sshd
        .log()
        .slice(since)
        .matchAll(/Close session: user \S+ from 127\.0\.0\.1 port \d+ id [1-9]/g),
    ].length;
  proxy.setDelay(12);
  const bytes = async function* () {
    for (let count = 0; count < 160; count++) yield new Uint8Array(256 * 1024).fill(count);
  };
  const path = join(dir, "large");
  const written = filesOf(registry, "web", async (files) => {
    await files.stat(dir);
    return await files.write(path, bytes(), { offset: 0, create: "new", mode: null });
  });
  expect(await written).toBe(160 * 256 * 1024);
  proxy.setDelay(0);
  expect(readFileSync(path).every((byte, at) => byte === at >> 18)).toBe(true);
  const opened = started(since);
  expect(opened).toBeGreaterThan(1);
  expect(opened).toBeLessThanOrEqual(4);
  await waitFor(() => ended() >= opened - 1, { what: "the end of the further channels" });
  expect(await filesOf(registry, "web", (files) => contentOf(files, join(dir, "hello")))).toBe("hello\n");
  expect(started(since)).toBe(opened);
});

test("what a stopped call has not made is removed no more", async () => {
  writeFileSync(join(dir, "kept"), "");
  const call = callOf();
  const removing = filesOf(
    registry,
    "web",
    async (files) => {
      call.leave();
      await files.remove(join(dir, "kept"));
    },
    call,
  );
  expect(await removing.catch((error: unknown) => error)).toMatchObject({ code: "CANCELED" });
  expect(existsSync(join(dir, "kept"))).toBe(true);
});

test("work that does not end by itself is left when the call has to end", async () => {
  const started = performance.now();
  const working = filesOf(registry, "web", () => new Promise<never>(() => undefined), callOf(), { timeoutMs: 200 });
  expect(await working.catch((error: unknown) => error)).toMatchObject({
    ...{ code: "TIMEOUT", message: expect.stringContaining("200ms") },
  });
  expect(performance.now() - started).toBeLessThan(9000);
});

test("a connection that was lost before is dialled again; one that is lost in the middle is not", async () => {
  await filesOf(registry, "web", (files) => files.stat(dir));
  proxy.cut("reset");
  await waitFor(() => registry.list(cli)[0]?.state === "lost", { what: "the end of the connection" });
  expect(await filesOf(registry, "web", (files) => contentOf(files, join(dir, "hello")))).toBe("hello\n");
  let times = 0;
  const cut = filesOf(registry, "web", async (files) => {
    times += 1;
    proxy.cut("reset");
    return await files.stat(dir);
  });
  expect(await cut.catch((error: unknown) => error)).toMatchObject({ code: "CONNECTION_LOST" });
  expect(times).toBe(1);
});

test("a session that is not lent is no agent's", async () => {
  const agent = callOf({ caller: model() });
  const session = await registry.use(named("web"), agent);
  await registry.lend("web", false, callOf());
  const request = { label: "files", become: null, timeoutMs: null };
  expect(await session.files(request, agent, async () => undefined).catch((error: unknown) => error)).toMatchObject({
    code: "SESSION_NOT_FOUND",
  });
});

test("a program holds names that are no UTF-8", async () => {
  const name = Buffer.concat([Buffer.from(join(dir, "n")), Buffer.from([0xff, 0x80, 0xc3])]);
  writeFileSync(name, "found");
  const ran = await filesOf(registry, "web", (_, machine) => ranOn(machine, `cat ${quoteWord(pathText(name))}`));
  expect(ran.stdout).toBe("found");
  expect(await filesOf(registry, "web", (files) => contentOf(files, pathText(name)))).toBe("found");
});
