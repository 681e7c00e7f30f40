import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashHostName } from "../../../src/ssh/host-keys/known-hosts-line.ts";
import { type HostKeyChange, type UpdatePolicy, updateHostKeys } from "../../../src/ssh/host-keys/update-host-keys.ts";
import type { AnnouncedKeys } from "../../../src/ssh/transport/host-keys-request.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyPair, makeKey, type PublicKey } from "../../support/keys.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { open } from "../open.ts";
import { ecdsa, ed25519, text } from "./known-hosts-keys.ts";

afterAll(cleanup);

const types = new Set(["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"]);
const change = ({ added, removed }: HostKeyChange) => [added.length, removed.length];

const policyFor = (
  content: string,
  port: number,
  changes: Partial<UpdatePolicy> = {},
): UpdatePolicy & { file: string } => {
  const file = join(tempDir("known"), "known_hosts");
  writeFileSync(file, content);
  const at = { host: "127.0.0.1", port };
  return { at, userFiles: [file], types, hash: false, confirm: async () => true, file, ...changes };
};

describe("a real server", () => {
  let server: Sshd;
  let key: KeyPair;
  const line = (one: PublicKey | undefined): string => `[127.0.0.1]:${server.port} ${one?.line}\n`;

  beforeAll(async () => {
    key = await makeKey();
    server = await startSshd({ hostKeys: ["ed25519", "ecdsa", "rsa"], authorizedKeys: [`${key.line}\n`] });
  });

  /** What a login at the server makes of a file. */
  const updated = async (policy: UpdatePolicy): Promise<HostKeyChange | null> => {
    const { promise, resolve, reject } = Promise.withResolvers<HostKeyChange | null>();
    const connection = await open({
      ...{ port: server.port, user: server.user, keys: [key.path] },
      onHostKeys: (announced) => void updateHostKeys(policy, announced).then(resolve, reject),
    });
    try {
      return await promise;
    } finally {
      await connection.close();
    }
  };

  test("tells and proves its other keys, RSA among them, and those that it has no more are removed", async () => {
    const [first] = server.hostKeys;
    const policy = policyFor(`# mine\n${line(first)}[127.0.0.1]:${server.port} ${text(ed25519(9))}\n`, server.port);
    expect(change((await updated(policy)) as HostKeyChange)).toEqual([2, 1]);
    expect(readFileSync(policy.file, "utf8").split("\n").sort()).toEqual(
      ["# mine", ...server.knownHosts().trimEnd().split("\n"), ""].sort(),
    );
    expect(await updated(policy)).toBeNull();
  });

  test("is listened to only for algorithms that were offered", async () => {
    const [first] = server.hostKeys;
    const old = `[127.0.0.1]:${server.port} ${text(ecdsa)}\n`;
    const policy = policyFor(`${line(first)}${old}`, server.port, { types: new Set(["ssh-ed25519"]) });
    expect(await updated(policy)).toBeNull();
    expect(readFileSync(policy.file, "utf8")).toBe(`${line(first)}${old}`);
  });
});

describe("an announcement changes", () => {
  const [one, two, three] = [ed25519(1), ed25519(2), ed25519(3)];
  const announce = (keys: readonly Buffer[], proves = true): AnnouncedKeys & { asked: number } => ({
    keys,
    asked: 0,
    async prove() {
      this.asked++;
      return proves;
    },
  });
  const host = "[127.0.0.1]:2222";

  test.each<[string, string, Buffer[], Partial<UpdatePolicy>]>([
    ["a wildcard", `[127.*]:2222 ${text(one)}\n`, [one, two], {}],
    ["a list of three names", `a,b,${host} ${text(one)}\n`, [one, two], {}],
    ["an authority of the host", `${host} ${text(one)}\n@cert-authority * ${text(three)}\n`, [one, two], {}],
    ["a revoked key of the host", `${host} ${text(one)}\n@revoked ${host} ${text(three)}\n`, [one, two], {}],
    ["a key of another name", `${host} ${text(one)}\ndb ${text(two)}\n`, [one, two], {}],
    [
      "an old key that another name has",
      `${host} ${text(one)}\n${host} ${text(three)}\ndb ${text(three)}\n`,
      [one],
      {},
    ],
    ["the same key twice", `${host} ${text(one)}\n`, [one, two, two], {}],
    ["no key of a kind that is listened to", `${host} ${text(one)}\n`, [ecdsa], { types: new Set(["ssh-ed25519"]) }],
    ["no key at all", `${host} ${text(one)}\n`, [], {}],
    ["nothing new", `${host} ${text(one)}\n`, [one], {}],
    ["what a person does not want", `${host} ${text(one)}\n`, [one, two], { confirm: async () => false }],
  ])("nothing for %s", async (_, content, keys, changes) => {
    const policy = policyFor(content, 2222, changes);
    expect(await updateHostKeys(policy, announce(keys))).toBeNull();
    expect(readFileSync(policy.file, "utf8")).toBe(content);
  });

  test("nothing that is not proved", async () => {
    const policy = policyFor(`${host} ${text(one)}\n`, 2222);
    const announced = announce([one, two], false);
    expect(await updateHostKeys(policy, announced)).toBeNull();
    expect(announced.asked).toBe(1);
    expect(readFileSync(policy.file, "utf8")).toBe(`${host} ${text(one)}\n`);
  });

  test("hashed lines, and removes without a proof", async () => {
    const hashed = `${hashHostName(host, Buffer.alloc(20, 5))} ${text(one)}\n`;
    const policy = policyFor(`${hashed}${host},10.0.0.1 ${text(two)}\n`, 2222, { hash: true });
    const announced = announce([one], false);
    expect(change((await updateHostKeys(policy, announced)) as HostKeyChange)).toEqual([0, 1]);
    expect(announced.asked).toBe(0);
    expect(readFileSync(policy.file, "utf8")).toBe(hashed);
  });

  test("the first file, and removes from all; none is made", async () => {
    const policy = policyFor(`${host} ${text(one)}\n`, 2222);
    const second = join(tempDir("known"), "second");
    const third = join(tempDir("known"), "third");
    writeFileSync(second, `${host} ${text(three)}\ndb ${text(ed25519(7))}\n`);
    await updateHostKeys({ ...policy, userFiles: [policy.file, second, third] }, announce([one, two]));
    expect(readFileSync(policy.file, "utf8")).toBe(`${host} ${text(one)}\n${host} ${text(two)}\n`);
    expect(readFileSync(second, "utf8")).toBe(`db ${text(ed25519(7))}\n`);
    expect(existsSync(third)).toBe(false);
  });
});
