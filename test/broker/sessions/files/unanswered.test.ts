/** A link that is cut when a change is made, and before its answer is here. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import { appendTo, writeAtomically } from "../../../../src/core/files/atomic-write.ts";
import type { RemoteFiles, RemoteMachine } from "../../../../src/core/files/remote-files.ts";
import { removeRecursively } from "../../../../src/core/files/remove-recursively.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { startProxy, type TcpProxy } from "../../../support/proxy.ts";
import { startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { waitFor } from "../../../support/wait.ts";
import { callOf, cli, model } from "../sessions.ts";
import { bytesOf, configFor, connectTo, filesOf } from "./servers.ts";

setDefaultTimeout(30_000);

const names = ["sftp", "sh"] as const;
const proxies = new Map<string, TcpProxy>();
let config: string;
let registry: SessionRegistry;
let dir: string;

beforeAll(async () => {
  const key = await makeKey();
  const hosts: Record<string, { user: string; port: number }> = {};
  for (const name of names) {
    const options = name === "sh" ? ["Subsystem none /bin/false"] : [];
    const sshd = await startSshd({ authorizedKeys: [key.line], options });
    const proxy = await startProxy(sshd);
    proxies.set(name, proxy);
    hosts[name] = { user: sshd.user, port: proxy.port };
  }
  config = configFor(hosts, key);
});
beforeEach(() => {
  registry = new SessionRegistry();
  dir = tempDir("unanswered");
  mkdirSync(join(dir, "folder"));
  for (const name of ["file", "moved"]) writeFileSync(join(dir, name), "old");
});
afterEach(() => registry.closeAll());
afterAll(cleanup);

const at = (name: string): string => join(dir, name);
const usual = { mode: null, create: "any" } as const;

/** Has something done over a link whose answers are slow, and cuts it when the condition holds. */
const cutWhen = async (
  name: string,
  act: (files: RemoteFiles, machine: RemoteMachine) => Promise<unknown>,
  isDone: () => boolean,
  call = callOf(),
): Promise<unknown> => {
  await connectTo(registry, config, name, call);
  const proxy = proxies.get(name);
  if (proxy === undefined) throw new Error(`no server ${name}`);
  const work = filesOf(
    registry,
    name,
    async (files, machine) => {
      await files.lstat(dir);
      proxy.setDelay({ toServer: 0, toClient: 400 });
      await act(files, machine);
    },
    call,
  );
  const ended = work.then(
    () => null,
    (error: unknown) => error,
  );
  try {
    await waitFor(isDone, { what: "the change" });
    proxy.cut("reset");
    return await ended;
  } finally {
    proxy.setDelay(0);
  }
};

const changes: [string, string, Parameters<typeof cutWhen>[1], () => boolean][] = [
  ["remove", "file", (files) => files.remove(at("file")), () => !existsSync(at("file"))],
  ["remove a directory", "folder", (files) => files.removeDirectory(at("folder")), () => !existsSync(at("folder"))],
  [
    "remove with all that is in it",
    "folder",
    (_files, machine) => removeRecursively(machine, at("folder"), { caller: cli, signal: callOf().signal, homes: [] }),
    () => !existsSync(at("folder")),
  ],
  ["make a directory", "new", (files) => files.makeDirectory(at("new"), null), () => existsSync(at("new"))],
  ["rename", "to", (files) => files.rename(at("moved"), at("to"), false), () => existsSync(at("to"))],
  [
    "change",
    "file",
    (files) => files.change(at("file"), { mode: 0o600 }),
    () => (statSync(at("file")).mode & 0o77) === 0,
  ],
  [
    "link",
    "link",
    (files) => files.symlink("file", at("link")),
    () => lstatSync(at("link"), { throwIfNoEntry: false }) !== undefined,
  ],
  [
    "write",
    "file",
    (files) => writeAtomically(files, at("file"), bytesOf("new"), usual),
    () => readFileSync(at("file"), "utf8") === "new",
  ],
  [
    "append",
    "file",
    (files) => appendTo(files, at("file"), bytesOf("+new"), usual),
    () => readFileSync(at("file"), "utf8") === "old+new",
  ],
];

for (const name of names) {
  test.each(changes)(`over ${name}, it is said to be unknown: %s`, async (_what, path, act, isDone) => {
    expect(await cutWhen(name, act, isDone)).toMatchObject({
      code: "OUTCOME_UNKNOWN",
      retryable: false,
      message: expect.stringMatching(/(whether|how much of) .* is not known/),
      hint: `ssh-mcp stat ${name}:${at(path)}`,
    });
  });

  test(`over ${name}, a write that is cut before the rename has left the file as it is`, async () => {
    const reached = Promise.withResolvers<void>();
    let isHalf = false;
    async function* half() {
      yield* bytesOf("n".repeat(100_000));
      isHalf = true;
      await reached.promise;
    }
    const error = await cutWhen(
      name,
      (files) => writeAtomically(files, at("file"), half(), usual),
      () => isHalf,
    );
    reached.resolve();
    expect(error).toMatchObject({
      code: "CONNECTION_LOST",
      retryable: true,
      message: expect.stringContaining(`${at("file")}" was not written, and is as it was`),
    });
    expect(readFileSync(at("file"), "utf8")).toBe("old");
  });
}

test.each([...names])("over %s, a write that is canceled says that the file is as it was", async (name) => {
  const call = callOf();
  await connectTo(registry, config, name, call);
  const never = Promise.withResolvers<void>();
  async function* half() {
    yield* bytesOf("n".repeat(100_000));
    call.leave();
    await never.promise;
  }
  const work = filesOf(registry, name, (files) => writeAtomically(files, at("file"), half(), usual), call);
  await expect(work).rejects.toMatchObject({
    code: "CANCELED",
    message: expect.stringContaining(`${at("file")}" was not written, and is as it was`),
  });
  never.resolve();
  expect(readdirSync(dir).sort()).toEqual(["file", "folder", "moved"]);
  expect(readFileSync(at("file"), "utf8")).toBe("old");
});

test("a model is told by which tool to look", async () => {
  const [, , act, isDone] = changes[0] as (typeof changes)[number];
  expect(await cutWhen("sftp", act, isDone, callOf({ caller: model() }))).toMatchObject({
    hint: `ssh_path {"target":"sftp","action":"stat","path":"${at("file")}"}`,
  });
});
