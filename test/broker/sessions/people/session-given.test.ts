/** Sessions that were opened by what only one process could read: a configuration or a key from a pipe. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import type { CallerFiles } from "../../../../src/core/call-scope.ts";
import { SshMcpError } from "../../../../src/core/errors.ts";
import type { OpenRequest } from "../../../../src/core/session.ts";
import { SessionStore } from "../../../../src/store/session-store.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { waitFor } from "../../../support/wait.ts";
import { callOf, cli, model, named, namesOf, Person, requestFor, run } from "../sessions.ts";

setDefaultTimeout(30_000);

const configPipe = "/dev/fd/63";
const keyPipe = "/dev/fd/62";

let key: KeyPair;
let sealed: KeyPair;
let sshd: Sshd;
let other: Sshd;
let registry: SessionRegistry;

beforeAll(async () => {
  key = await makeKey();
  sealed = await makeKey({ passphrase: "opensesame", rounds: 1 });
  sshd = await startSshd({ authorizedKeys: [key.line, sealed.line] });
  other = await startSshd({ authorizedKeys: [key.line] });
});
beforeEach(() => {
  registry = new SessionRegistry();
});
afterEach(async () => {
  await registry.closeAll();
});
afterAll(cleanup);

const trusting = "  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n";
const configOf = (alias: string, { port = sshd.port, more = "" } = {}): string =>
  `Host ${alias}\n  HostName 127.0.0.1\n  Port ${port}\n  User ${sshd.user}\n  IdentityFile ${key.path}\n${trusting}${more}`;

/** The descriptors of a process, by path; each can be read as often as anybody asks, and who asks is noted. */
class Pipes implements CallerFiles {
  readonly asked: string[] = [];
  readonly #contents: Readonly<Record<string, string | Buffer | SshMcpError>>;

  constructor(contents: Readonly<Record<string, string | Buffer | SshMcpError>>) {
    this.#contents = contents;
  }

  async *read(path: string): AsyncGenerator<Uint8Array, undefined> {
    this.asked.push(path);
    const content = this.#contents[path] ?? "";
    if (content instanceof SshMcpError) throw content;
    const bytes = Buffer.from(content);
    for (let at = 0; at < bytes.length; at += 1000) yield bytes.subarray(at, at + 1000);
  }
}

const withConfig = (text: string | Buffer) => callOf({ files: new Pipes({ [configPipe]: text }) });
const byConfig = (destination: string, extra: Partial<OpenRequest> = {}): OpenRequest =>
  requestFor(destination, { configFile: configPipe, options: [], ...extra });
const byKey = (extra: Partial<OpenRequest> = {}): OpenRequest =>
  requestFor(`${sshd.user}@127.0.0.1:${sshd.port}`, { identityFiles: [keyPipe], name: "web", ...extra });
const idle = (name: string): Promise<unknown> =>
  waitFor(() => registry.list(cli).find((row) => row.name === name)?.state === "cached", {
    what: "the end of the idle time",
  });
const portOf = async (
  ...call: Parameters<typeof run> extends [unknown, ...infer Rest] ? Rest : never
): Promise<number> => Number((await run(registry, ...call)).stdout.trim().split(" ")[3]);
const showPort = "echo $SSH_CONNECTION";
const errorOf = (promise: Promise<unknown>): Promise<unknown> => promise.catch((thrown: unknown) => thrown);

describe("a configuration from a pipe", () => {
  test("is the caller's: read once, and what it says is dialled", async () => {
    const files = new Pipes({ [configPipe]: configOf("box") });
    const opened = await registry.open(byConfig("box"), callOf({ files }));
    expect(opened).toMatchObject({
      reused: false,
      info: { name: "box", destination: "box", port: sshd.port, needsPerson: true },
    });
    expect(files.asked).toEqual([configPipe]);
  });

  test("includes what a file would include", async () => {
    const included = join(tempDir("config"), "more");
    writeFileSync(included, configOf("box"), { mode: 0o600 });
    const opened = await registry.open(byConfig("box"), withConfig(`Include ${included}\n`));
    expect(opened.info.port).toBe(sshd.port);
  });

  test("asks for variables as a file would", async () => {
    const text = configOf("box").replace(key.path, `\${KEYS}/id_ed25519`);
    const asked: string[][] = [];
    const variables = async (names: readonly string[]) => {
      asked.push([...names]);
      return { KEYS: key.path.slice(0, key.path.lastIndexOf("/")) };
    };
    const files = new Pipes({ [configPipe]: text });
    await registry.open(byConfig("box"), callOf({ files, variables }));
    expect([asked, files.asked]).toEqual([[["KEYS"]], [configPipe]]);
  });

  test("with a mistake in it is told by its line", async () => {
    expect(await errorOf(registry.open(byConfig("box"), withConfig("Host box\n  Pot 22\n")))).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining(`${configPipe}:2: there is no keyword "pot"`),
      hint: "man ssh_config",
    });
  });

  test("of a megabyte and more is not read to its end", async () => {
    const text = `${configOf("box")}${"#".repeat(1024 * 1024)}\n`;
    expect(await errorOf(registry.open(byConfig("box"), withConfig(text)))).toMatchObject({
      code: "CONFIG_INVALID",
      message: `the configuration cannot be read: ${configPipe} has more than 1048576 bytes`,
      hint: "ssh-mcp connect -F CONFIG box",
    });
  });

  test("that cannot be read is told as its process tells it", async () => {
    const missing = new SshMcpError("NOT_FOUND", `there is no file ${configPipe}`, { hint: "ls" });
    const files = new Pipes({ [configPipe]: missing });
    expect(await errorOf(registry.open(byConfig("box", { port: 2222 }), callOf({ files })))).toMatchObject({
      code: "CONFIG_INVALID",
      message: `the configuration cannot be read: there is no file ${configPipe}`,
      hint: "ssh-mcp connect -p 2222 -F CONFIG box",
    });
    expect(namesOf(registry)).toEqual([]);
  });

  test("cannot name the broker's own descriptors", async () => {
    const include = await errorOf(registry.open(byConfig("box"), withConfig("Include /dev/fd/5\n")));
    expect(include).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("/dev/fd/5 is another file in every process"),
    });
    for (const line of [
      "IdentityFile /dev/stdin",
      "UserKnownHostsFile /dev/fd/7",
      "GlobalKnownHostsFile /proc/self/fd/7",
    ]) {
      const error = await errorOf(registry.open(byConfig("box"), withConfig(`${line}\n${configOf("box")}`)));
      expect(error).toMatchObject({ code: "UNSUPPORTED", message: expect.stringContaining(line.split(" ")[1] ?? "") });
    }
    const option = byKey({ identityFiles: [], options: ["UserKnownHostsFile=/dev/fd/9"] });
    expect(await errorOf(registry.open(option, callOf()))).toMatchObject({ code: "UNSUPPORTED" });
    expect(namesOf(registry)).toEqual([]);
  });
});

describe("a key from a pipe", () => {
  const content = (path: string): string => readFileSync(path, "utf8");

  test("logs in", async () => {
    const files = new Pipes({ [keyPipe]: content(key.path) });
    expect(await run(registry, byKey(), "echo in", callOf({ files }))).toMatchObject({ stdout: "in\n" });
    expect(files.asked).toEqual([keyPipe]);
    expect(registry.list(cli)).toMatchObject([{ needsPerson: true }]);
  });

  test("that is sealed takes its passphrase from the person", async () => {
    const person = new Person();
    const call = { ...person.call(), files: new Pipes({ [keyPipe]: content(sealed.path) }) };
    const opened = registry.open(byKey(), call);
    await person.answer("opensesame");
    expect(await opened).toMatchObject({ authMethod: "publickey" });
    expect(person.shown).toEqual([`Enter passphrase for key '${keyPipe}': `]);
  });

  test.each([
    [
      "that is none",
      "no key\n",
      `the key file ${keyPipe} cannot be used: it is no private key that is known, or it is damaged`,
    ],
    [
      "of 32 KiB and more",
      "x".repeat(32 * 1024 + 1),
      `the key file ${keyPipe} cannot be used: ${keyPipe} has more than 32768 bytes`,
    ],
  ])("%s is an error before anything is dialled", async (_what, text, message) => {
    const files = new Pipes({ [keyPipe]: text });
    const error = await errorOf(registry.open(byKey(), callOf({ files })));
    expect(error).toMatchObject({ code: "KEY_INVALID", message });
    expect(String((error as SshMcpError).hint)).not.toContain("/dev/fd");
  });
});

describe("a model", () => {
  test("has no descriptors to name", async () => {
    const files = new Pipes({});
    for (const path of [keyPipe, "/dev/stdin", "/proc/self/fd/3", "/proc/1/fd/3"]) {
      const error = await errorOf(registry.open(byKey({ identityFiles: [path] }), callOf({ caller: model(), files })));
      expect(error).toMatchObject({
        code: "INVALID_INPUT",
        message: expect.stringContaining(`${path} is no key file`),
      });
    }
    expect(files.asked).toEqual([]);
  });
});

describe("which session it is", () => {
  test("is told by what was in the pipe, whatever its number", async () => {
    await registry.open(byConfig("box"), withConfig(configOf("box")));
    const again = requestFor("box", { configFile: "/proc/self/fd/11", options: [] });
    const files = new Pipes({ "/proc/self/fd/11": configOf("box") });
    expect(await registry.open(again, callOf({ files }))).toMatchObject({ reused: true, info: { name: "box" } });
    expect(namesOf(registry)).toEqual(["box"]);
  });

  test("is another for another content under the same number", async () => {
    await registry.open(byConfig("box"), withConfig(configOf("box")));
    const elsewhere = withConfig(configOf("box", { port: other.port }));
    expect(await portOf(byConfig("box"), showPort, elsewhere)).toBe(other.port);
    const sameServer = withConfig(configOf("box", { more: "# another\n" }));
    expect(await registry.open(byConfig("box"), sameServer)).toMatchObject({ reused: false, info: { name: "box-3" } });
    expect(namesOf(registry)).toEqual(["box", "box-2", "box-3"]);
  });

  test("is another for another key under the same number", async () => {
    const keyOf = (pair: KeyPair) => callOf({ files: new Pipes({ [keyPipe]: readFileSync(pair.path) }) });
    await registry.open(byKey({ name: null }), keyOf(key));
    const person = new Person();
    const second = registry.open(byKey({ name: null }), { ...person.call(), files: keyOf(sealed).files });
    await person.answer("opensesame");
    expect(await second).toMatchObject({ reused: false });
    expect(await registry.open(byKey({ name: null }), keyOf(key))).toMatchObject({ reused: true });
    expect(namesOf(registry)).toHaveLength(2);
  });

  test("is another than one whose file has the same path and a name of its own", async () => {
    await registry.open(byConfig("box", { ttlMs: 50 }), withConfig(configOf("box")));
    await idle("box");
    const elsewhere = withConfig(configOf("box", { port: other.port }));
    expect(await errorOf(registry.open(byConfig("box", { name: "box" }), elsewhere))).toMatchObject({
      code: "ALREADY_EXISTS",
      hint: "ssh-mcp close box",
    });
  });
});

describe("a session that was opened so", () => {
  test("is used by its name from anywhere while it is live", async () => {
    await registry.open(byConfig("box"), withConfig(configOf("box")));
    expect(await run(registry, named("box"), "echo in")).toMatchObject({ stdout: "in\n", name: "box" });
    expect(await run(registry, named("box"), "echo in", callOf({ caller: model() }))).toMatchObject({ stdout: "in\n" });
  });

  test.each(["person", "model"])("is not opened again by itself, and the %s is told how", async (who) => {
    await registry.open(byConfig("box", { ttlMs: 50, user: sshd.user }), withConfig(configOf("box")));
    await idle("box");
    const call = callOf(who === "model" ? { caller: model() } : {});
    expect(await errorOf(run(registry, named("box"), "true", call))).toMatchObject({
      code: "CONFIG_INVALID",
      message:
        "the session box cannot be opened again by itself: its configuration came from a pipe of the command that opened it",
      hint: `ssh-mcp connect --name box -l ${sshd.user} -F CONFIG box`,
    });
    expect(registry.list(cli)).toMatchObject([{ name: "box", state: "cached", needsPerson: true }]);
  });

  test("by a key says so by the key", async () => {
    const files = new Pipes({ [keyPipe]: readFileSync(key.path) });
    await registry.open(byKey({ ttlMs: 50 }), callOf({ files }));
    await idle("web");
    expect(await errorOf(run(registry, named("web"), "true"))).toMatchObject({
      code: "KEY_INVALID",
      message:
        "the session web cannot be opened again by itself: its key came from a pipe of the command that opened it",
      hint: `ssh-mcp connect --name web -i KEY -F none -o '${byKey().options.join("' -o '")}' ${byKey().destination}`,
    });
  });

  test("is the same one again by the same content", async () => {
    await registry.open(byConfig("box", { ttlMs: 50 }), withConfig(configOf("box")));
    await idle("box");
    expect(await run(registry, byConfig("box"), "echo in", withConfig(configOf("box")))).toMatchObject({
      stdout: "in\n",
      name: "box",
    });
    expect(namesOf(registry)).toEqual(["box"]);
  });

  test("comes back by a file that leads to the same place, and needs nobody from then on", async () => {
    await registry.open(byConfig("box", { ttlMs: 50 }), withConfig(configOf("box")));
    await idle("box");
    const path = join(tempDir("config"), "config");
    writeFileSync(path, configOf("box"), { mode: 0o600 });
    const opened = await registry.open(byConfig("box", { configFile: path, name: "box" }), callOf());
    expect(opened.info).toMatchObject({ name: "box", needsPerson: false });
    await idle("box");
    expect(await run(registry, named("box"), "echo in")).toMatchObject({ stdout: "in\n" });
  });

  test("does not come back by what an agent brings", async () => {
    await registry.open(byConfig("box", { ttlMs: 50 }), withConfig(configOf("box")));
    await idle("box");
    const path = join(tempDir("config"), "config");
    writeFileSync(path, configOf("box"), { mode: 0o600 });
    const agent = callOf({ caller: model() });
    const byFile = byConfig("box", { configFile: path, name: "box" });
    expect(await errorOf(registry.open(byFile, agent))).toMatchObject({ code: "ALREADY_EXISTS" });
    expect((await registry.open({ ...byFile, name: null }, agent)).info.name).not.toBe("box");
    // It is as it was: a person's way brings it back.
    expect(await errorOf(run(registry, named("box"), "true"))).toMatchObject({ code: "CONFIG_INVALID" });
    expect((await registry.open(byFile, callOf())).info.name).toBe("box");
  });

  test("does not come back as another server's, nor by an attempt that failed", async () => {
    await registry.open(byConfig("box", { ttlMs: 50 }), withConfig(configOf("box")));
    await idle("box");
    const path = join(tempDir("config"), "config");
    writeFileSync(path, configOf("box", { port: other.port }), { mode: 0o600 });
    const elsewhere = byConfig("box", { configFile: path, name: "box" });
    expect(await errorOf(registry.open(elsewhere, callOf()))).toMatchObject({ code: "ALREADY_EXISTS" });
    const unknown = await makeKey();
    writeFileSync(path, configOf("box").replace(key.path, unknown.path), { mode: 0o600 });
    const failed = await errorOf(registry.open({ ...elsewhere, options: ["IdentitiesOnly=yes"] }, callOf()));
    expect(failed).toBeInstanceOf(SshMcpError);
    expect(await errorOf(run(registry, named("box"), "true"))).toMatchObject({
      code: "CONFIG_INVALID",
      message: expect.stringContaining("came from a pipe"),
    });
  });

  test("is recorded without what was in the pipe, and says so after a restart", async () => {
    const folder = tempDir("sessions");
    const store = new SessionStore(folder);
    const first = new SessionRegistry({ store });
    const files = new Pipes({ [configPipe]: configOf("box"), [keyPipe]: readFileSync(key.path) });
    await first.open(byConfig("box", { identityFiles: [keyPipe] }), callOf({ files }));
    await first.closeAll();
    const record = readFileSync(join(folder, "box.json"), "utf8");
    expect(record).not.toContain("PRIVATE KEY");
    expect(record).not.toContain("HostName");
    expect(JSON.parse(record)).toMatchObject({
      request: { configFile: configPipe, identityFiles: [keyPipe] },
      needsPerson: true,
    });
    registry = new SessionRegistry({ restored: store.loadAll().records });
    expect(await errorOf(run(registry, named("box"), "true"))).toMatchObject({
      code: "CONFIG_INVALID",
      hint: "ssh-mcp connect --name box -i KEY -F CONFIG box",
    });
    expect(
      await run(registry, byConfig("box", { identityFiles: [keyPipe] }), "echo in", callOf({ files })),
    ).toMatchObject({
      stdout: "in\n",
      name: "box",
    });
  });
});
