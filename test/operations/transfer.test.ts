import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { SshMcpError, toSshMcpError } from "../../src/core/errors.ts";
import type { TransferReport } from "../../src/core/files/transfers.ts";
import type { Context, Face } from "../../src/core/operation.ts";
import { sync } from "../../src/operations/sync.ts";
import { transfer } from "../../src/operations/transfer.ts";
import { contextFor } from "./fake-sessions.ts";
import { copied, FakeTransfers, report } from "./fake-transfers.ts";

type Input = v.InferOutput<typeof transfer.input>;

const copy = async (input: Partial<Input>, context: Partial<Context> = {}, face: Face = "cli") => {
  const transfers = new FakeTransfers();
  const whole = v.parse(transfer.input, { sources: ["web:a"], destination: "b", ...input });
  expect(transfer.validate(whole)).toEqual([]);
  const result = await transfer.run(whole, { ...contextFor(face), transfers, ...context });
  return { result, request: transfers.requests[0] };
};

const refused = (input: Partial<Input>) =>
  transfer
    .validate(v.parse(transfer.input, { sources: ["web:a"], destination: "b", ...input }))
    .map(({ field, message }) => `${field}: ${message}`);

describe("what is asked of the engine", () => {
  test("of a plain copy", async () => {
    const { request, result } = await copy({ sources: ["web:a", "/b:c"], destination: "ssh://me@h:22/x" });
    expect(request).toEqual({
      sources: [
        { kind: "remote", target: "web", path: "a" },
        { kind: "local", path: "/b:c" },
      ],
      destination: { kind: "remote", target: "ssh://me@h:22", path: "x" },
      dial: { user: null, port: null, identityFiles: [], configFile: null, options: [], timeoutMs: null },
      become: null,
      recursive: false,
      preserve: false,
      parallel: null,
      resume: false,
      verify: false,
      limit: null,
      exclude: [],
      sync: null,
      direct: false,
    });
    expect(result).toEqual({ ...copied, failures: [], changes: null, durationMs: expect.any(Number) });
  });

  test("of everything that can be said", async () => {
    const { request } = await copy({
      ...{
        recursive: true,
        preserve: true,
        resume: true,
        checksum: true,
        parallel: 4,
        limit: "10MB",
        exclude: ["*.o"],
      },
      ...{ sudo: "deploy", identityFile: ["k"], jump: "gate", options: ["A=b"], connectTimeout: 3 },
    });
    expect(request).toMatchObject({
      ...{ recursive: true, preserve: true, resume: true, verify: true, parallel: 4, limit: 10_000_000 },
      ...{ exclude: ["*.o"], become: { by: "sudo", user: "deploy" } },
      dial: { identityFiles: ["k"], timeoutMs: 3000 },
    });
    expect(request?.dial.options.at(-1)).toBe("A=b");
  });

  test("of a sync, by either name", async () => {
    const { request } = await copy({ sync: true });
    const transfers = new FakeTransfers();
    const input = { source: "web:a/", destination: "b", delete: true, dryRun: true, checksum: true };
    await sync.run(input, { ...contextFor("cli"), transfers });
    const alike = { recursive: true, preserve: true, sync: { delete: false, dryRun: false, byChecksum: false } };
    expect(request).toMatchObject(alike);
    expect(transfers.requests[0]).toMatchObject({
      ...alike,
      sync: { delete: true, dryRun: true, byChecksum: true },
      verify: false,
    });
  });

  test("standard input and output are one file", async () => {
    expect((await copy({ sources: ["-"], destination: "web:x" })).request?.sources).toEqual([{ kind: "stream" }]);
    expect((await copy({ destination: "-" })).request?.destination).toEqual({ kind: "stream" });
  });
});

describe("what cannot be meant", () => {
  test.each<[Partial<Input>, string]>([
    [{ sources: [] }, "sources: is empty"],
    [{ sources: ["a\0b"] }, "sources: cannot hold a NUL character"],
    [{ sources: [""] }, "sources: a path is empty"],
    [{ destination: ":x" }, 'destination: ":x" names no server before its colon'],
    [{ sources: ["-"], destination: "-" }, 'destination: is "-" on both sides'],
    [{ sources: ["-", "web:a"], destination: "web:b" }, 'sources: must be one, beside "-"'],
    [{ destination: "-", recursive: true }, 'recursive: does not go with "-", which is one stream'],
    [{ sources: ["-"], destination: "web:b", resume: true }, 'resume: does not go with "-", which is one stream'],
    [{ direct: true }, "direct: is for two servers: a side of this is here"],
    [{ limit: "fast" }, 'limit: "fast" is not a size'],
    [{ limit: "0" }, "limit: must be more than nothing"],
    [{ parallel: 0 }, "parallel: must be a whole number from 1 to 64"],
    [{ timeout: 0 }, "timeout: must be more than 0 seconds and at most a day"],
    [{ sudo: "a b" }, "sudo: is no name of a user"],
    [{ exclude: [""] }, "exclude: holds a glob that is empty, or has a NUL character"],
  ])("%p", (input, expected) => {
    expect(refused(input)).toEqual([expected]);
  });

  test("what can", () => {
    expect(refused({ destination: "db:b", direct: true })).toEqual([]);
    expect(refused({ destination: "-", preserve: false, limit: "500k" })).toEqual([]);
  });

  test("both sides here are another program's", async () => {
    const failure = await copy({ sources: ["a b", "-c"], destination: "d", recursive: true }).catch(toSshMcpError);
    expect(failure).toMatchObject({ code: "USAGE", hint: "cp -r -- 'a b' -c d" });
    const input = { source: "a/", destination: "b" };
    const other = await sync.run(input, contextFor("cli")).catch(toSshMcpError);
    expect(other).toMatchObject({ code: "USAGE", hint: "rsync -a -- a/ b" });
  });

  test("a model has no standard input", async () => {
    const failure = await copy({ sources: ["-"], destination: "web:x" }, {}, "mcp").catch(toSshMcpError);
    expect(failure).toMatchObject({ code: "INVALID_INPUT", hint: expect.stringContaining("ssh_write_file") });
  });
});

test("the servers that operands name, each once", () => {
  const input = { sources: ["web:a", "b", "web:c", "-", "", "[::1]:x"], destination: "me@db:/d" };
  expect(transfer.targets?.(input)).toEqual(["web", "[::1]", "me@db"]);
  expect(sync.targets?.({ source: "a", destination: "ssh://h:22/d" })).toEqual(["ssh://h:22"]);
});

describe("a copy that does not end", () => {
  const part = { bytes: 12_300_000, totalBytes: 100_000_000, files: 3, totalFiles: 10, path: "x" };
  const stopped = (signal: AbortSignal): Promise<TransferReport> =>
    new Promise((_, reject) => {
      const stop = () => reject(new SshMcpError("CANCELED", "stopped"));
      if (signal.aborted) stop();
      signal.addEventListener("abort", stop);
    });
  const endless = new FakeTransfers(async ({ progress }, { signal }) => {
    progress(part);
    return await stopped(signal);
  });
  const there = "3 of 10 files, 12.3 of 100 MB were copied by then";

  test("runs out of time, and says how to go on", async () => {
    const input = { recursive: true, limit: "1MB", timeout: 0.02, sources: ["web:a b"], exclude: ["*.o"] };
    const person = await copy(input, { transfers: endless }).catch(toSshMcpError);
    expect(person).toMatchObject({
      code: "TIMEOUT",
      message: `the transfer ran out of time after 20ms; ${there}`,
      hint: "ssh-mcp cp -r --exclude='*.o' --limit=1MB --resume 'web:a b' b",
    });
    const model = await copy({ timeout: 0.02 }, { transfers: endless }, "mcp").catch(toSshMcpError);
    expect(model).toMatchObject({
      code: "TIMEOUT",
      hint: 'ssh_transfer {"sources":["web:a"],"destination":"b","timeout":0.02,"resume":true}',
    });
  });

  test("is canceled", async () => {
    const canceler = new AbortController();
    const running = copy({ destination: "-b" }, { transfers: endless, signal: canceler.signal }).catch(toSshMcpError);
    canceler.abort();
    expect(await running).toMatchObject({
      code: "CANCELED",
      message: `the transfer was canceled; ${there}`,
      hint: "ssh-mcp cp --resume -- web:a -b",
    });
  });

  test("is canceled by somebody else, who says why", async () => {
    const canceler = new AbortController();
    const running = copy({}, { transfers: endless, signal: canceler.signal }).catch(toSshMcpError);
    canceler.abort(new SshMcpError("CANCELED", "the session web was closed"));
    expect(await running).toMatchObject({ message: `the session web was closed; ${there}` });
  });

  test("has nothing to resume when nothing came, or when it is a stream", async () => {
    const transfers = new FakeTransfers(async (_, { signal }) => await stopped(signal));
    const none = await copy({ timeout: 0.01 }, { transfers }).catch(toSshMcpError);
    expect(none).toMatchObject({ message: expect.stringContaining("; nothing was copied"), hint: null });
    const stream = await copy({ destination: "-", timeout: 0.01 }, { transfers: endless }).catch(toSshMcpError);
    expect(stream).toMatchObject({ code: "TIMEOUT", hint: null });
  });

  test("an error that has a code of its own keeps it, and its hint", async () => {
    const error = new SshMcpError("AUTH_REQUIRED", "web asks for a password", { hint: "ssh-mcp connect web" });
    const transfers = new FakeTransfers(() => Promise.reject(error));
    expect(await copy({}, { transfers }).catch(toSshMcpError)).toBe(error);
  });

  test("the time a person takes to answer is not its own", async () => {
    const transfers = new FakeTransfers(async (_, { ask, signal }) => {
      await ask({ text: "password", echo: false } as never, signal);
      return signal.aborted ? await stopped(signal) : copied;
    });
    const ask = async () => {
      await Bun.sleep(80);
      return "typed";
    };
    expect((await copy({ timeout: 0.05 }, { transfers, ask })).result.files).toBe(12);
  });

  test("a report of a broken one says how to go on", async () => {
    const notices: string[] = [];
    const failures = [{ path: "a", code: "CONNECTION_LOST", message: "web hung up", bytesDone: 5 }] as const;
    const transfers = new FakeTransfers(async () => ({ ...copied, failures }));
    const { result } = await copy({}, { transfers, notice: (message) => notices.push(message) });
    expect(notices).toEqual(["to go on where it broke: ssh-mcp cp --resume web:a b"]);
    expect(transfer.succeeded?.(result)).toBe(false);
  });
});

test("gives what happened at once in an order that is the same every time", async () => {
  const failure = { code: "LOCAL_IO", message: "no", bytesDone: null } as const;
  const failures = ["b", "a/b", "a", ""].map((path) => ({ ...failure, path }));
  const changes = ["- b", "+ a/b", "+ c", "- a/"];
  const transfers = new FakeTransfers(async () => ({ ...copied, failures, changes }));
  const { result } = await copy({}, { transfers });
  expect(result.failures.map(({ path }) => path)).toEqual(["", "a", "a/b", "b"]);
  expect(result.changes).toEqual(["- a/", "+ a/b", "- b", "+ c"]);
});

test("tells how far it is, and no more often than anybody reads", async () => {
  const said: string[] = [];
  const transfers = new FakeTransfers(async ({ progress }) => {
    for (let bytes = 0; bytes < 10_000; bytes++) {
      progress({ bytes, totalBytes: null, files: 0, totalFiles: null, path: null });
    }
    await Bun.sleep(550);
    progress({ bytes: 2_000_000, totalBytes: 4_000_000, files: 1, totalFiles: 2, path: "x" });
    return copied;
  });
  await copy({}, { transfers, progress: (message, now) => said.push(`${message} ${now?.bytes ?? ""}`) });
  expect(said[0]).toBe("connecting ");
  expect(said[1]).toBe("0 files, 0 B 0");
  expect(said.at(-1)).toMatch(/^1 of 2 files, 2\.0 of 4\.0 MB, [\d.]+ MB\/s 2000000$/);
  expect(said.length).toBeLessThan(5);
  const unwatched: string[] = [];
  await copy({}, { transfers, watched: false, progress: (message) => unwatched.push(message) });
  expect(unwatched).toEqual(["connecting"]);
});

describe("in words", () => {
  const failures = Array.from({ length: 25 }, (_, index) => ({
    ...({ path: `f${index}\x1b[2J`, code: "LOCAL_IO", message: `f${index}\x1b[2J cannot be written` } as const),
    bytesDone: index === 0 ? 5_000_000 : null,
  }));

  test("what went well is one line", () => {
    expect(transfer.render(report)).toBe("12 files, 3.4 MB in 1.2 s");
    const all = { ...report, directories: 1, links: 2, unchanged: 3, resumedBytes: 1000, deleted: 4 };
    expect(transfer.render({ ...all, verification: "verified" })).toBe(
      "12 files, 3.4 MB in 1.2 s, 1 directory, 2 links, 3 unchanged, 1.0 kB were there, 4 deleted, verified",
    );
  });

  test("what failed stands first, escaped, and is cut", () => {
    const lines = transfer.render({ ...report, failures, moreFailures: 75 }).split("\n");
    expect(lines[0]).toBe("FAILED: 100 could not be copied");
    expect(lines[1]).toBe("f0\\x1b[2J cannot be written (5.0 MB are there) [LOCAL_IO]");
    expect(lines[21]).toBe("and 80 more");
    expect(lines).toHaveLength(23);
  });

  test("a copy that differs is a failure", () => {
    const differs = { ...report, verification: "mismatched" as const };
    expect(transfer.render(differs)).toStartWith("FAILED: the copy differs from its source\n");
    expect(transfer.succeeded?.(differs)).toBe(false);
    expect(transfer.succeeded?.(report)).toBe(true);
  });

  test("a copy that could not be compared is a failure of the check", () => {
    const unknown = { ...report, verification: "unavailable" as const };
    expect(transfer.render(unknown)).toStartWith("FAILED: the copy is not verified");
    expect(transfer.succeeded?.(unknown)).toBe(false);
    expect(transfer.succeeded?.({ ...report, verification: "verified" })).toBe(true);
  });

  test("a dry run says a change a line", () => {
    const text = sync.render({ ...report, files: 0, bytes: 0, changes: ["+ a\nb", "- c"] });
    expect(text).toBe("+ a\\nb\n- c\ndry run: nothing was changed; 0 files, 0 B in 1.2 s");
  });
});
