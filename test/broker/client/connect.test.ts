import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { connectToBroker } from "../../../src/broker/client/connect.ts";
import { connectErrno } from "../../../src/broker/client/connect-errno.ts";
import type { Transport } from "../../../src/broker/wire/protocol.ts";
import { listenOnSocket } from "../../../src/broker/wire/socket-transport.ts";
import { type BrokerPlace, brokerPlace, makeBrokerPlace } from "../../../src/files/broker-place.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { mustRun, runCommand } from "../../support/command.ts";
import { startProgram } from "../../support/program.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser } from "../../support/users.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const newPlace = (): BrokerPlace => {
  const place = brokerPlace({ SSH_MCP_DIR: join(tempDir("b"), "base") });
  makeBrokerPlace(place);
  return place;
};

const listen = (path: string): void => {
  const listening = listenOnSocket(path, () => undefined);
  onCleanup(() => listening.stop());
};

const outcomeOf = async (connecting: Promise<Transport | null>): Promise<unknown> => {
  try {
    const transport = await connecting;
    transport?.abort();
    return transport === null ? "nobody" : "connected";
  } catch (thrown) {
    return thrown;
  }
};

/** A socket that nobody listens on any more, as a broker leaves it that was killed. */
const leaveSocket = async (path: string): Promise<void> => {
  const source = `Bun.listen({ unix: ${JSON.stringify(path)}, socket: { data() {} } }); process.kill(process.pid, "SIGKILL")`;
  await runCommand([process.execPath, "-e", source]);
};

describe("where nobody is", () => {
  test.each<[string, (place: BrokerPlace) => unknown]>([
    ["without the base directory", ({ base }) => rmSync(base, { recursive: true })],
    ["without the socket's directory", ({ run }) => rmSync(run, { recursive: true })],
    ["without a socket", () => undefined],
    ["with a socket that was left", ({ socket }) => leaveSocket(socket)],
  ])("%s", async (_what, prepare) => {
    const place = newPlace();
    await prepare(place);
    expect(await outcomeOf(connectToBroker(place))).toBe("nobody");
  });
});

test("a listening socket is connected to", async () => {
  const place = newPlace();
  listen(place.socket);
  expect(await outcomeOf(connectToBroker(place))).toBe("connected");
});

describe("what was planted is not used", () => {
  const elsewhere = (): string => join(tempDir("e"), "s");

  test.each<[string, (path: string) => unknown, string]>([
    ["a file", (path) => writeFileSync(path, ""), "a file lies where"],
    ["a directory", (path) => mkdirSync(path), "a directory lies where"],
    [
      "a link to another socket",
      (path) => {
        const other = elsewhere();
        listen(other);
        symlinkSync(other, path);
      },
      "a symbolic link lies where",
    ],
    ["a link to nothing", (path) => symlinkSync(elsewhere(), path), "a symbolic link lies where"],
  ])("%s in the socket's place", async (_what, plant, message) => {
    const place = newPlace();
    plant(place.socket);
    expect(await outcomeOf(connectToBroker(place))).toMatchObject({
      code: "BROKER_UNAVAILABLE",
      message: expect.stringContaining(message),
      hint: `mv ${place.socket} ${place.socket}.old`,
    });
  });

  test.each<[string, (place: BrokerPlace) => void]>([
    ["that others may enter", ({ run }) => chmodSync(run, 0o711)],
    ["of another user", ({ run }) => chownSync(run, 65534, 65534)],
    [
      "behind a link",
      ({ base }) => {
        rmSync(base, { recursive: true });
        symlinkSync(tempDir("e"), base);
      },
    ],
  ])("a directory %s", async (_what, change) => {
    const place = newPlace();
    listen(place.socket);
    change(place);
    expect(await outcomeOf(connectToBroker(place))).toMatchObject({ code: "BROKER_UNAVAILABLE" });
  });
});

describe("a connection that the system forbids", () => {
  const once = [process.execPath, join(import.meta.dir, "../connect-once.ts")];
  const blocked = {
    code: "SANDBOX_BLOCKED",
    message: expect.stringContaining("sandbox.network.allowAllUnixSockets"),
    hint: "ssh-mcp --no-broker …",
  };

  test("by a sandbox is no absent broker", async () => {
    const place = newPlace();
    listen(place.socket);
    const env = { SSH_MCP_DIR: place.base };
    expect(JSON.parse(await mustRun(once, { env }))).toBe("connected");
    const sandboxed = [process.execPath, join(import.meta.dir, "../forbid-connect.ts"), ...once];
    expect(JSON.parse(await mustRun(sandboxed, { env }))).toMatchObject(blocked);
  });

  test("by the socket's own permissions neither", async () => {
    const user = await makeUser();
    const base = join(user.home, "base");
    const env = { SSH_MCP_DIR: base };
    const place = brokerPlace(env);
    makeBrokerPlace(place);
    listen(place.socket);
    chmodSync(place.socket, 0o600);
    for (const path of [base, join(base, "run"), place.run]) chownSync(path, user.uid, user.uid);
    // The sources of root are none of theirs.
    const folder = tempDir("c");
    chmodSync(folder, 0o755);
    const program = join(folder, "once");
    await mustRun([
      process.execPath,
      "build",
      "--compile",
      join(import.meta.dir, "../connect-once.ts"),
      "--outfile",
      program,
    ]);
    const asUser = ["setpriv", "--reuid", String(user.uid), "--regid", String(user.uid), "--clear-groups", program];
    expect(JSON.parse(await mustRun(asUser, { env }))).toMatchObject(blocked);
  });
});

test("why a socket takes no connection is what the system says", async () => {
  const { run, socket } = newPlace();
  expect(connectErrno(socket)).toBe("ENOENT");
  await leaveSocket(join(run, "left"));
  expect(connectErrno(join(run, "left"))).toBe("ECONNREFUSED");
  listen(socket);
  expect(connectErrno(socket)).toBeNull();
});

test("a listener that is killed with the connection in its queue is nobody", async () => {
  const place = newPlace();
  const source = `Bun.listen({ unix: ${JSON.stringify(place.socket)}, socket: { data() {} } }); console.log("listens")`;
  const listener = startProgram([process.execPath, "-e", source]);
  await listener.waitForStdout("listens");
  listener.signal("SIGSTOP");
  const connecting = outcomeOf(connectToBroker(place));
  listener.signal("SIGKILL");
  // Before this process hears how the connection went.
  while (connectErrno(place.socket) !== "ECONNREFUSED");
  expect(["nobody", "connected"]).toContain(String(await connecting));
  expect(await outcomeOf(connectToBroker(place))).toBe("nobody");
});

test("a listener that takes no more connections is waited for, and is no absent broker", async () => {
  const place = newPlace();
  const source = `Bun.listen({ unix: ${JSON.stringify(place.socket)}, socket: { data() {} } }); console.log("listens")`;
  const listener = startProgram([process.execPath, "-e", source]);
  await listener.waitForStdout("listens");
  listener.signal("SIGSTOP");
  // Until its queue is full: listen(2). A connection that was given up stays in it.
  while (connectErrno(place.socket) === null);
  expect(connectErrno(place.socket)).toBe("EAGAIN");
  const connecting = outcomeOf(connectToBroker(place));
  expect(await Promise.race([connecting, Bun.sleep(500)])).toBeUndefined();
  listener.signal("SIGCONT");
  expect(await connecting).toBe("connected");
});
