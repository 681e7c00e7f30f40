import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { appendKnownHost } from "../../../src/ssh/host-keys/known-hosts-append.ts";
import { hashHostName } from "../../../src/ssh/host-keys/known-hosts-line.ts";
import { withKnownHostsLock } from "../../../src/ssh/host-keys/known-hosts-lock.ts";
import { type Replacement, replaceKnownHosts } from "../../../src/ssh/host-keys/known-hosts-replace.ts";
import { cleanup } from "../../support/cleanup.ts";
import { cleanEnv } from "../../support/command.ts";
import { tempDir } from "../../support/temp.ts";
import { ed25519, rsa, text } from "./known-hosts-keys.ts";

afterAll(cleanup);

const [one, two, three] = [ed25519(1), ed25519(2), ed25519(3)];
const everything = (): boolean => true;
const web = { host: "web", port: 22 };

const replaced = async (content: string | Buffer, changes: Partial<Replacement> = {}): Promise<string> => {
  const file = join(tempDir("home"), "known_hosts");
  writeFileSync(file, content);
  await replaceKnownHosts(file, { at: web, keys: [one], adds: true, removes: everything, hash: false, ...changes });
  return readFileSync(file, "latin1");
};

describe("replaceKnownHosts", () => {
  test("takes away and adds keys of the host, and leaves every other byte", async () => {
    const other = Buffer.from(
      `# mine\r\n\n  db ${text(two)}\tthe comment\x80\xff\n@revoked web ${text(two)}\n@cert-authority * ${text(two)}\nweb junk\n`,
      "latin1",
    );
    const before = Buffer.concat([
      Buffer.from(`web ${text(two)}\n`),
      other,
      Buffer.from(`web,10.0.0.1 ${text(three)}\nlast ${text(two)}`),
    ]);
    const after = await replaced(before);
    expect(after).toBe(`${other.toString("latin1")}last ${text(two)}\nweb ${text(one)}\n`);
  });

  test("keeps what it is to keep, and writes nothing when nothing changes", async () => {
    const file = join(tempDir("home"), "known_hosts");
    writeFileSync(file, `web ${text(one)} mine\nweb ${text(two)}\n`);
    const { ino } = statSync(file);
    const plan = { at: web, keys: [one], adds: true, hash: false };
    await replaceKnownHosts(file, { ...plan, removes: (key) => Buffer.compare(key, three) === 0 });
    expect(statSync(file).ino).toBe(ino);
    await replaceKnownHosts(file, { ...plan, removes: everything });
    expect(readFileSync(file, "utf8")).toBe(`web ${text(one)} mine\n`);
    await replaceKnownHosts(file, { ...plan, keys: [two], adds: false, removes: everything });
    expect(readFileSync(file, "utf8")).toBe("");
  });

  test("finds hashed names and ports, and writes new ones hashed", async () => {
    const at = { host: "web", port: 2222 };
    const salt = Buffer.alloc(20, 3);
    const before = `${hashHostName("[web]:2222", salt)} ${text(two)}\nweb ${text(two)}\n`;
    const after = await replaced(before, { at, hash: true });
    expect(after).toStartWith(`web ${text(two)}\n|1|`);
    expect(after).toEndWith(` ${text(one)}\n`);
  });

  test("keeps a link, and the mode, and leaves nothing behind", async () => {
    const folder = tempDir("home");
    mkdirSync(join(folder, "real"));
    const real = join(folder, "real/hosts");
    writeFileSync(real, `web ${text(two)}\n`);
    chmodSync(real, 0o640);
    symlinkSync("real/hosts", join(folder, "known_hosts"));
    await replaceKnownHosts(join(folder, "known_hosts"), {
      at: web,
      keys: [one],
      adds: true,
      removes: everything,
      hash: false,
    });
    expect(lstatSync(join(folder, "known_hosts")).isSymbolicLink()).toBe(true);
    expect(readFileSync(real, "utf8")).toBe(`web ${text(one)}\n`);
    expect(statSync(real).mode & 0o777).toBe(0o640);
    expect([readdirSync(folder).sort(), readdirSync(join(folder, "real"))]).toEqual([
      ["known_hosts", "real"],
      ["hosts"],
    ]);
  });

  test.each([
    ["relative to where a linked folder really is", "../common/known_hosts"],
    ["back over another linked folder", "../common/elsewhere/../known_hosts"],
  ])("follows a link that is %s, and so does what appends", async (_, target) => {
    const home = tempDir("home");
    for (const folder of ["data/ssh", "data/common", "far/away"]) mkdirSync(join(home, folder), { recursive: true });
    symlinkSync("data/ssh", join(home, ".ssh"));
    symlinkSync("../../far/away", join(home, "data/common/elsewhere"));
    symlinkSync(target, join(home, "data/ssh/known_hosts"));
    // Where the text alone would lead, something else lies.
    const traps = ["common", "far"].map((folder) => join(home, folder, "known_hosts"));
    const real = join(home, target.includes("elsewhere") ? "far/known_hosts" : "data/common/known_hosts");
    mkdirSync(join(home, "common"));
    for (const trap of traps) writeFileSync(trap, "# trap\n");
    writeFileSync(join(home, "data/common/known_hosts"), "# trap\n");
    writeFileSync(real, `web ${text(two)}\n`);
    const path = join(home, ".ssh/known_hosts");
    await replaceKnownHosts(path, { at: web, keys: [one], adds: true, removes: everything, hash: false });
    await appendKnownHost(path, { host: "db", port: 22 }, three, { hash: false });
    expect(readFileSync(real, "utf8")).toBe(`web ${text(one)}\ndb ${text(three)}\n`);
    expect(readFileSync(path, "utf8")).toBe(readFileSync(real, "utf8"));
    for (const other of [...traps, join(home, "data/common/known_hosts")].filter((file) => file !== real)) {
      expect(readFileSync(other, "utf8")).toBe("# trap\n");
    }
    expect(lstatSync(join(home, "data/ssh/known_hosts")).isSymbolicLink()).toBe(true);
  });

  test("waits for whoever holds the file", async () => {
    const file = join(tempDir("home"), "known_hosts");
    writeFileSync(file, `web ${text(two)}\n`);
    const { promise, resolve } = Promise.withResolvers<void>();
    const held = withKnownHostsLock(file, () => promise);
    const replacing = replaceKnownHosts(file, { at: web, keys: [one], adds: true, removes: everything, hash: false });
    const appending = withKnownHostsLock(file, (path, locked) => {
      writeFileSync(path, `${readFileSync(path, "utf8")}db ${text(three)}\n`);
      return locked;
    });
    expect(readFileSync(file, "utf8")).toBe(`web ${text(two)}\n`);
    resolve();
    await held;
    expect(await appending).toBe(true);
    await replacing;
    expect(readFileSync(file, "utf8").split("\n").sort()).toEqual(["", `db ${text(three)}`, `web ${text(one)}`].sort());
  });
});

test("twenty processes that append and replace at once lose nothing", async () => {
  const file = join(tempDir("home"), "known_hosts");
  const rounds = 3;
  writeFileSync(file, "# first\n");
  const module = (name: string) => JSON.stringify(join(import.meta.dir, `../../../src/ssh/host-keys/${name}.ts`));
  const program = `
    const { appendKnownHost } = await import(${module("known-hosts-append")});
    const { replaceKnownHosts } = await import(${module("known-hosts-replace")});
    const [, file, first, second, number] = process.argv;
    const [old, young] = [first, second].map((text) => Buffer.from(text, "base64"));
    process.stdin.once("data", async () => {
      for (let n = 0; n < ${rounds}; n++) {
        const at = { host: "h" + number + "-" + n, port: 22 };
        await appendKnownHost(file, at, old, { hash: false });
        if (number % 2 === 0) await replaceKnownHosts(file, { at, keys: [young], adds: true, removes: () => true, hash: false });
      }
      process.exit(0);
    });
    process.stdout.write("ready");
  `;
  const [old, young] = [rsa(1), rsa(2)];
  const children = Array.from({ length: 20 }, (_, number) =>
    Bun.spawn(
      [process.execPath, "-e", program, file, old.toString("base64"), young.toString("base64"), String(number)],
      {
        ...({ stdin: "pipe", stdout: "pipe" } as const),
        env: cleanEnv,
      },
    ),
  );
  await Promise.all(children.map(async (child) => child.stdout.getReader().read()));
  for (const child of children) {
    child.stdin.write("go");
    child.stdin.end();
  }
  expect(await Promise.all(children.map((child) => child.exited))).toEqual(children.map(() => 0));
  const expected = Array.from({ length: 20 }, (_, number) =>
    Array.from({ length: rounds }, (_, n) => `h${number}-${n} ${text(number % 2 === 0 ? young : old)}`),
  ).flat();
  const lines = readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "");
  expect(lines.sort()).toEqual(["# first", ...expected].sort());
}, 60_000);
