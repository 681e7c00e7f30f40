/** Session files in every state that a disk, a crash or another release may leave them in. */
import { afterAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { endBrokers } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { type Place, startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let place: Place;
let folder: string;
/** A whole record, of a session that works. */
let record: Record<string, unknown>;

const fileOf = (name: string): string => join(folder, `${name}.json`);
const put = (name: string, content: unknown): void =>
  writeFileSync(fileOf(name), typeof content === "string" ? content : JSON.stringify(content), { mode: 0o600 });
const names = async () => (await place.sessions()).map(({ name }) => name);

beforeEach(async () => {
  place = await startPlace();
  folder = join(place.home.path, ".ssh-mcp/sessions");
  expect((await place.run(["connect", "--name", "good", place.at])).status).toBe(0);
  await endBrokers(place.home.path);
  record = JSON.parse(readFileSync(fileOf("good"), "utf8"));
});

describe("a session file", () => {
  test("that is whole is all it takes to go on, and says no secret", async () => {
    expect(statSync(fileOf("good")).mode & 0o777).toBe(0o600);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(record).toMatchObject({ version: 1, name: "good", hostKey: place.sshd.hostKeys[0]?.fingerprint });
    expect(await place.sessions()).toMatchObject([{ name: "good", destination: place.at, state: "cached" }]);
    expect(await place.run(["exec", "good", "echo in"])).toMatchObject({ status: 0, stdout: "in\n", stderr: "" });
  });

  test.each([
    ["is empty", () => ""],
    ["is no JSON", () => "\0\xff garbage"],
    ["is cut in the middle", () => JSON.stringify(record).slice(0, 200)],
    ["is JSON of another shape", () => [1, 2]],
    ["lacks a field", () => ({ ...record, name: "bad", key: undefined })],
    ["has another's name", () => record],
    [
      "leads elsewhere than a destination can",
      () => ({ ...record, name: "bad", request: { destination: "-oProxyCommand=x" } }),
    ],
  ])("that %s is set aside, and takes no other with it", async (_, content) => {
    put("bad", content());
    const { stdout, stderr, status } = await place.run(["ls", "--json"]);
    expect({ status, names: JSON.parse(stdout).sessions.map(({ name }: { name: string }) => name) }).toEqual({
      status: 0,
      names: ["good"],
    });
    const files = readdirSync(folder).sort();
    expect(files).toEqual([expect.stringMatching(/^bad\.json\.corrupt-/), "good.json"]);
    const [, aside = ""] = /\n?ssh-mcp: .*\/sessions\/bad\.json was corrupt: .*; it is now (.*)\n$/.exec(stderr) ?? [];
    expect(files).toContain(aside);
    // Once.
    expect((await place.run(["ls"])).stderr).toBe("");
    expect(await place.run(["exec", "good", "echo in"])).toMatchObject({ status: 0, stdout: "in\n" });
    // Its name is free again.
    expect((await place.run(["connect", "--name", "bad", "--new", place.at])).status).toBe(0);
    expect(await names()).toEqual(expect.arrayContaining(["bad", "good"]));
  });

  test("of a later release is left as it is to the last byte, and its name is taken by nobody", async () => {
    const later = JSON.stringify({ ...record, name: "later", version: 2, request: { something: "else" } });
    put("later", later);
    expect(await names()).toEqual(["good"]);
    const refused = await place.run(["connect", "--name", "later", "--new", place.at]);
    expect(refused).toMatchObject({ status: 1, stdout: "" });
    expect(refused.stderr).toContain("[ALREADY_EXISTS]");
    await place.run(["close", "--all"]);
    expect(readFileSync(fileOf("later"), "utf8")).toBe(later);
    expect(readdirSync(folder)).toEqual(["later.json"]);
  });

  test("that is not ours, or no file, is neither read nor followed nor changed", async () => {
    const elsewhere = join(place.home.path, "elsewhere.json");
    writeFileSync(elsewhere, JSON.stringify({ ...record, name: "link" }));
    symlinkSync(elsewhere, fileOf("link"));
    mkdirSync(fileOf("directory"));
    await mustRun(["mkfifo", fileOf("fifo")]);
    put("foreign", { ...record, name: "foreign" });
    chownSync(fileOf("foreign"), 65534, 65534);
    writeFileSync(join(folder, "README"), "no record");
    const before = readdirSync(folder).sort();
    expect(await names()).toEqual(["good"]);
    expect(readdirSync(folder).sort()).toEqual(before);
    expect(await place.run(["exec", "good", "echo in"])).toMatchObject({ status: 0, stdout: "in\n" });
    expect(readFileSync(elsewhere, "utf8")).toBe(JSON.stringify({ ...record, name: "link" }));
  });

  test("of enormous size is set aside, unread", async () => {
    put("huge", `"${"x".repeat(64 * 1024 * 1024)}"`);
    const { stderr, status } = await place.run(["exec", "good", "true"]);
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(
        /^ssh-mcp: .*huge\.json has \d+ bytes, more than a record can have; it is now .*\n$/,
      ),
    });
    expect(readdirSync(folder).sort()).toEqual(["good.json", expect.stringMatching(/^huge\.json\.corrupt-/)]);
  });

  test("that a command without a broker cannot use is told as well, and left as it is", async () => {
    put("bad", "garbage");
    const { stdout, stderr } = await place.run(["--no-broker", "ls", "-q"]);
    expect({ stdout, stderr }).toEqual({
      stdout: "good\n",
      stderr: expect.stringMatching(/^ssh-mcp: .*\/sessions\/bad\.json is corrupt: it is not JSON\n$/),
    });
    expect(readdirSync(folder).sort()).toEqual(["bad.json", "good.json"]);
  });

  test("that cannot be opened any more is no obstacle to closing", async () => {
    expect(await names()).toEqual(["good"]);
    chmodSync(fileOf("good"), 0o000);
    expect((await place.run(["close", "good"])).status).toBe(0);
    expect(readdirSync(folder)).toEqual([]);
    await endBrokers(place.home.path);
    expect(await names()).toEqual([]);
  });
});
