import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  closeSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { listenOnSocket } from "../../src/broker/wire/socket-transport.ts";
import { type BrokerPlace, brokerPlace, makeBrokerPlace } from "../../src/files/broker-place.ts";
import { machinePlace } from "../../src/files/machine.ts";
import { libcFiles, nodeFiles, type QuickFiles } from "../../src/files/quick-files.ts";
import { quickLook } from "../../src/files/quick-look.ts";
import { cleanup, onCleanup } from "../support/cleanup.ts";
import { mustRun } from "../support/command.ts";
import { tempDir } from "../support/temp.ts";

afterAll(cleanup);

const newPlace = (env: Record<string, string> = { SSH_MCP_DIR: join(tempDir("b"), "base") }) => {
  const place = brokerPlace(env);
  makeBrokerPlace(place);
  const listening = listenOnSocket(place.socket, () => undefined);
  onCleanup(() => listening.stop());
  return { env, place };
};

describe("a place that is as it should be", () => {
  test("is seen as those see it who look carefully", () => {
    const { env, place } = newPlace();
    expect(quickLook(env)).toEqual({ socket: place.socket, place: machinePlace() });
  });

  test("is below HOME when nothing else is said", () => {
    const { env, place } = newPlace({ HOME: tempDir("home"), SSH_MCP_DIR: "" });
    expect(quickLook(env)?.socket).toBe(place.socket);
  });

  test("may be named in several ways", () => {
    const { env, place } = newPlace();
    const { SSH_MCP_DIR = "" } = env;
    expect(quickLook({ SSH_MCP_DIR: `${SSH_MCP_DIR}/x/..//./` })?.socket).toBe(place.socket);
  });
});

test("a machine without an id of its own is known by its name", async () => {
  const { env, place } = newPlace();
  const files = join(import.meta.dir, "../../src/files");
  const program = `
    const { quickLook } = await import("${files}/quick-look.ts");
    const { brokerPlace, makeBrokerPlace } = await import("${files}/broker-place.ts");
    const { machineId, machinePlace } = await import("${files}/machine.ts");
    const place = brokerPlace();
    makeBrokerPlace(place);
    Bun.listen({ unix: place.socket, socket: { data() {} } });
    const look = quickLook(process.env);
    console.log(machineId(), look.socket === place.socket, look.place === machinePlace());
    process.exit(0);`;
  // unshare(1): the file is empty for that process alone, which has a host name of its own.
  const line = 'mount --bind /dev/null /etc/machine-id && hostname elsewhere && exec "$0" -e "$1"';
  const argv = ["unshare", "--mount", "--uts", "/bin/sh", "-c", line, process.execPath, program];
  expect(await mustRun(argv, { env })).toBe("elsewhere true true\n");
  expect(quickLook(env)?.socket).toBe(place.socket);
});

describe("any other is left to those who look carefully", () => {
  test.each<[string, (place: BrokerPlace) => void]>([
    ["no socket", ({ socket }) => rmSync(socket)],
    ["no directory", ({ run }) => rmSync(run, { recursive: true })],
    [
      "a file for a socket",
      ({ socket }) => {
        rmSync(socket);
        writeFileSync(socket, "");
      },
    ],
    [
      "a link to the socket",
      ({ socket }) => {
        renameSync(socket, `${socket}.real`);
        symlinkSync(`${socket}.real`, socket);
      },
    ],
    [
      "a link to the directory",
      ({ run }) => {
        renameSync(run, `${run}.real`);
        symlinkSync(`${run}.real`, run);
      },
    ],
    ["the base open to others", ({ base }) => chmodSync(base, 0o701)],
    ["the directory of machines open to others", ({ base }) => chmodSync(join(base, "run"), 0o710)],
    ["the socket's directory open to others", ({ run }) => chmodSync(run, 0o704)],
    ["another user's", ({ run }) => chownSync(run, 65534, 65534)],
  ])("%s", (_what, change) => {
    const { env, place } = newPlace();
    change(place);
    expect(quickLook(env)).toBeNull();
  });

  test("a name that is too long for a socket", () => {
    const { env } = newPlace({ SSH_MCP_DIR: join(tempDir("b"), "x".repeat(80)) });
    expect(quickLook(env)).toBeNull();
  });

  test.each<[Record<string, string>]>([
    [{}],
    [{ HOME: "home" }],
    [{ SSH_MCP_DIR: "base", HOME: "/root" }],
    [{ SSH_MCP_DIR: "/" }],
  ])("%j", (env) => {
    expect(quickLook(env)).toBeNull();
  });
});

test("libc and node:fs say the same", async () => {
  const folder = tempDir("f");
  const path = (name: string): string => join(folder, name);
  writeFileSync(path("file"), "text\n", { mode: 0o640 });
  writeFileSync(path("long"), "x".repeat(10_000));
  writeFileSync(path("empty"), "");
  mkdirSync(path("directory"), { mode: 0o711 });
  symlinkSync("nowhere", path("link"));
  await mustRun(["mkfifo", path("pipe")]);
  const listening = listenOnSocket(path("socket"), () => undefined);
  onCleanup(() => listening.stop());
  const names = ["file", "long", "empty", "directory", "link", "pipe", "socket", "nothing"].map(path);
  const paths = [...names, "/dev/null", "/dev/zero", "/proc/self/ns/mnt", "/proc/self/status", path("file/x")];
  const say = ({ look, kindOf, read, linkAt, open, close, hostName }: QuickFiles) => {
    // Reading a pipe would wait for its writer.
    const texts = paths.filter(
      (each) => each !== path("pipe") && !each.startsWith("/dev/") && !each.endsWith("status"),
    );
    const [file, device] = [openSync(path("file"), "r"), openSync("/dev/null", "r")];
    const kinds = [file, device, 999].map(kindOf);
    closeSync(file);
    closeSync(device);
    const opened = [path("file"), path("nothing"), path("pipe")].map((each) => {
      const descriptor = open(each, "write without waiting");
      if (descriptor !== null) close(descriptor);
      return descriptor !== null;
    });
    return {
      looks: paths.map(look),
      texts: texts.map(read),
      links: paths.map(linkAt),
      kinds,
      opened,
      name: hostName(),
    };
  };
  const libc = libcFiles();
  if (libc === null) throw new Error("there is no libc to ask");
  const said = say(libc);
  expect(said).toEqual(say(nodeFiles()));
  expect(said.looks.map((look) => look?.kind ?? null)).toEqual([
    ...["file", "file", "file", "directory", "other", "pipe", "socket", null],
    ...["null", "other", "other", "file", null],
  ] as never);
  expect(said.kinds).toEqual(["file", "null", null]);
  expect(said.opened).toEqual([true, false, false]);
  expect(said.texts.slice(0, 3)).toEqual(["text\n", "x".repeat(4096), ""]);
});
