/** What ssh_config and known_hosts say of host keys, on the way of a real login. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { announceHostKeys, ignoreGlobalRequests } from "../../support/ssh-packet.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { waitFor, within } from "../../support/wait.ts";
import { callOf, Person, requestFor, run } from "../sessions/sessions.ts";

afterAll(cleanup);

let [key, ca, hostKey]: KeyPair[] = [];
let server: Sshd;
let port: number;

const pair = (one: KeyPair | undefined): KeyPair => one as KeyPair;

beforeAll(async () => {
  [key, ca, hostKey] = await Promise.all([makeKey(), makeKey(), makeKey()]);
  const { path } = pair(hostKey);
  await mustRun(["ssh-keygen", "-q", "-s", pair(ca).path, "-I", "h", "-h", "-n", "web.example.com", `${path}.pub`]);
  const options = [`HostKey ${path}`, `HostCertificate ${path}-cert.pub`];
  server = await startSshd({ options, hostKeys: ["ecdsa"], authorizedKeys: [`${pair(key).line}\n`] });
  port = server.port;
});

const fileOf = (...lines: string[]): string => {
  const file = join(tempDir("known"), "known_hosts");
  writeFileSync(file, lines.map((line) => `${line}\n`).join(""));
  return file;
};

/** A login at the server; nobody can be asked unless there is a person. */
const login = async (file: string, options: readonly string[] = [], call = callOf()) => {
  const registry = new SessionRegistry();
  onCleanup(() => registry.closeAll());
  const files = [`UserKnownHostsFile=${file}`, "GlobalKnownHostsFile=none"];
  const request = requestFor(`${server.user}@127.0.0.1:${port}`, {
    identityFiles: [pair(key).path],
    options: [...options, ...files],
  });
  return { opened: await registry.open(request, call), registry, request };
};

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "open",
    ({ code }: { code: string }) => code,
  );

describe("a host certificate", () => {
  const caLine = () => `@cert-authority *.example.com ${pair(ca).line}`;

  test("is asked for where an authority of the host is known, and lets the host be another one never", async () => {
    const { opened } = await login(fileOf(caLine()), ["HostKeyAlias=web.example.com", "StrictHostKeyChecking=yes"]);
    expect(opened.hostKey).toBe(pair(hostKey).fingerprint);
    const other = login(fileOf(caLine()), ["HostKeyAlias=db.example.com", "StrictHostKeyChecking=yes"]);
    await expect(other).rejects.toMatchObject({
      code: "HOST_KEY_UNKNOWN",
      message: expect.stringContaining("its certificate is not for db.example.com, but for web.example.com"),
    });
  });

  test("is as good as the key in it where that is known, and falls with it", async () => {
    const line = `[127.0.0.1]:${port} ${pair(hostKey).line}`;
    expect(await codeOf(login(fileOf(line), ["StrictHostKeyChecking=yes"]))).toBe("open");
    const revoked = [caLine(), `@revoked * ${pair(ca).line}`];
    expect(await codeOf(login(fileOf(...revoked), ["HostKeyAlias=web.example.com"]))).toBe("HOST_KEY_REVOKED");
  });

  test("still holds after a rekey", async () => {
    const options = ["HostKeyAlias=web.example.com", "StrictHostKeyChecking=yes"];
    const rekeying = await startSshd({
      options: [`HostKey ${pair(hostKey).path}`, `HostCertificate ${pair(hostKey).path}-cert.pub`, "RekeyLimit 64K"],
      authorizedKeys: [`${pair(key).line}\n`],
      hostKeys: [],
    });
    port = rekeying.port;
    try {
      const { registry, request } = await login(fileOf(caLine()), options);
      const { stdout } = await run(registry, request, "head -c 400000 /dev/zero | tr '\\0' x");
      expect(stdout.length).toBe(400_000);
      expect((await run(registry, request, "echo there")).stdout).toBe("there\n");
    } finally {
      port = server.port;
    }
  });
});

test("a host that is known by one type of key is not met as unknown by another", async () => {
  const ecdsa = server.hostKeys[0]?.line;
  expect(await codeOf(login(fileOf(`[127.0.0.1]:${port} ${ecdsa}`), ["StrictHostKeyChecking=yes"]))).toBe("open");
});

test("RevokedHostKeys and NoHostAuthenticationForLocalhost are heeded", async () => {
  const known = `[127.0.0.1]:${port} ${pair(hostKey).line}`;
  const list = fileOf(pair(hostKey).line);
  const strict = "StrictHostKeyChecking=yes";
  expect(await codeOf(login(fileOf(known), [strict, `RevokedHostKeys=${list}`]))).toBe("HOST_KEY_REVOKED");
  expect(await codeOf(login(fileOf(known), [strict, `RevokedHostKeys=${list}.missing`]))).toBe("CONFIG_INVALID");
  expect(await codeOf(login(fileOf(), [strict, "NoHostAuthenticationForLocalhost=yes"]))).toBe("open");
});

describe("UpdateHostKeys", () => {
  const lines = (file: string): string[] => readFileSync(file, "utf8").trimEnd().split("\n").sort();
  const known = () => `[127.0.0.1]:${port} ${pair(hostKey).line}`;
  const both = () => [known(), `[127.0.0.1]:${port} ${server.hostKeys[0]?.line}`].sort();
  const strict = "StrictHostKeyChecking=yes";

  test("yes: keys that the server proves are learnt, and one that it does not have is forgotten", async () => {
    const file = fileOf(known(), `[127.0.0.1]:${port} ${(await makeKey()).line}`);
    await login(file, [strict, "UpdateHostKeys=yes"]);
    await waitFor(() => lines(file).join() === both().join(), { what: "the other key" });
  });

  test("ask: a person says so", async () => {
    const file = fileOf(known());
    const person = new Person();
    const opening = login(file, [strict, "UpdateHostKeys=ask"], person.call());
    await person.isAsked();
    expect(person.shown[0]).toBe(
      [
        "The server has updated its host keys.",
        "These changes were verified by the server's existing trusted key.",
        `Learned new hostkey: ECDSA ${server.hostKeys[0]?.fingerprint}`,
        "Accept updated hostkeys? (yes/no): ",
      ].join("\n"),
    );
    expect(lines(file)).toEqual([known()]);
    await person.answer("yes");
    await opening;
    expect(lines(file)).toEqual(both());

    const other = fileOf(known());
    const unasked = person.shown.length;
    await login(other, [strict, "UpdateHostKeys=ask", "BatchMode=yes"], person.call());
    await login(other, [strict, "UpdateHostKeys=ask"]);
    const refusing = login(other, [strict, "UpdateHostKeys=ask"], person.call());
    await person.answer("no");
    await refusing;
    expect([lines(other), person.shown.length]).toEqual([[known()], unasked + 1]);
  });

  test("a key that the server only says it has is not learnt, and the session is as good as any", async () => {
    let refused = 0;
    const liar = await startScriptedServer({
      ready: (connection) => {
        announceHostKeys(connection, [pair(ca).blob]);
        connection.on("request", () => refused++);
      },
      exec: (command) => command.finish(0, "fine\n"),
    });
    const file = fileOf(liar.knownHosts().trimEnd());
    const registry = new SessionRegistry();
    onCleanup(() => registry.closeAll());
    const options = [strict, "UpdateHostKeys=yes", `UserKnownHostsFile=${file}`, "GlobalKnownHostsFile=none"];
    const request = requestFor(`tester@127.0.0.1:${liar.port}`, { options });
    expect((await run(registry, request, "one")).stdout).toBe("fine\n");
    expect((await run(registry, request, "two")).stdout).toBe("fine\n");
    expect(readFileSync(file, "utf8")).toBe(liar.knownHosts());
    expect(liar.errors).toEqual([]);
    expect(refused).toBe(0);
  });

  describe("ask, of a server that never proves its keys", () => {
    const silent = async (options: { timeoutMs: number }) => {
      let isOver = false;
      const mute = await startScriptedServer({
        connected: (connection) => {
          ignoreGlobalRequests(connection);
          connection.on("close", () => {
            isOver = true;
          });
        },
        ready: (connection) => announceHostKeys(connection, [pair(ca).blob]),
        exec: (command) => command.finish(0, "fine\n"),
      });
      const registry = new SessionRegistry();
      onCleanup(() => registry.closeAll());
      const files = [`UserKnownHostsFile=${fileOf(mute.knownHosts().trimEnd())}`, "GlobalKnownHostsFile=none"];
      const request = requestFor(`tester@127.0.0.1:${mute.port}`, {
        options: [strict, "UpdateHostKeys=ask", ...files],
        ...options,
      });
      return { registry, request, mute, isOver: () => isOver };
    };

    test("the login ends with its time, and nobody is asked", async () => {
      const { registry, request } = await silent({ timeoutMs: 2_000 });
      const person = new Person();
      // The proof alone would be waited for until ten seconds are over.
      await within(registry.open(request, person.call()), { what: "the login", timeout: 6_000 });
      expect((await run(registry, request, "anything")).stdout).toBe("fine\n");
      expect(person.shown).toEqual([]);
    });

    test("a cancel ends it at once, and the connection", async () => {
      const { registry, request, mute, isOver } = await silent({ timeoutMs: 60_000 });
      const call = new Person().call();
      const code = codeOf(registry.open(request, call));
      await waitFor(() => mute.attempts.length > 0, { what: "the login" });
      call.leave();
      expect(await within(code, { what: "the cancel", timeout: 5_000 })).toBe("CANCELED");
      await waitFor(isOver, { what: "the end of the connection", timeout: 5_000 });
    });
  });
});

describe("a known_hosts that cannot be written", () => {
  test("is told, and the login goes on, as in ssh", async () => {
    const file = join(fileOf(), "known_hosts");
    const call = callOf();
    const { opened } = await login(file, ["StrictHostKeyChecking=accept-new"], call);
    expect(opened.hostKey).toBe(pair(hostKey).fingerprint);
    expect(call.notices).toEqual([
      `the host key could not be added to ${file} (ENOTDIR): it will be unknown the next time`,
    ]);
    const options = ["-F", "none", "-p", String(port), "-o", "StrictHostKeyChecking=accept-new", "-o", "BatchMode=yes"];
    const files = ["-o", `UserKnownHostsFile=${file}`, "-o", "GlobalKnownHostsFile=none", "-i", pair(key).path];
    expect(await mustRun(["ssh", ...options, ...files, `${server.user}@127.0.0.1`, "echo in"])).toBe("in\n");
  });
});
