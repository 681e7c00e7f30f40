/** Judgements held against those of ssh itself. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { opensshDefaults } from "../../../src/config/ssh-config/values/algorithm-list.ts";
import { SshMcpError } from "../../../src/core/errors.ts";
import { acceptHostKey, type HostKeyPolicy } from "../../../src/ssh/host-keys/host-key.ts";
import { readKnownHosts } from "../../../src/ssh/host-keys/known-hosts.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { type KeyPair, makeKey } from "../../support/keys.ts";
import { tempDir } from "../../support/temp.ts";
import { type Shown, sshVerdict, type Verdict } from "./ssh-verdict.ts";

afterAll(cleanup);

const host = "web.example.com";
let [ca, otherCa, rsaCa, hostKey, otherKey]: KeyPair[] = [];

const key = (pair: KeyPair | undefined): KeyPair => pair as KeyPair;

beforeAll(async () => {
  mkdirSync("/run/sshd", { recursive: true });
  [ca, otherCa, rsaCa, hostKey, otherKey] = await Promise.all([
    ...[makeKey(), makeKey(), makeKey({ type: "rsa", bits: 2048 }), makeKey(), makeKey()],
  ]);
});

/** The host's certificate by an authority, with these arguments of ssh-keygen. */
const certify = async (authority: KeyPair, ...options: string[]): Promise<Shown> => {
  const path = join(tempDir("cert"), "host");
  writeFileSync(path, readFileSync(key(hostKey).path), { mode: 0o600 });
  writeFileSync(`${path}.pub`, readFileSync(`${key(hostKey).path}.pub`));
  await mustRun(["ssh-keygen", "-q", "-s", authority.path, "-I", "the id", ...options, `${path}.pub`]);
  return { hostKey: key(hostKey), certificate: `${path}-cert.pub` };
};

const blobOf = ({ hostKey: { path }, certificate }: Shown): Buffer =>
  Buffer.from(readFileSync(certificate ?? `${path}.pub`, "utf8").split(" ")[1] ?? "", "base64");

interface Files {
  user?: string[];
  global?: string[];
  revoked?: string | null;
  casig?: readonly string[];
}

const policyOf = async (files: Files, changes: Partial<HostKeyPolicy> = {}): Promise<HostKeyPolicy> => {
  const folder = tempDir("known");
  const [user, global] = [join(folder, "user"), join(folder, "global")];
  writeFileSync(user, (files.user ?? []).map((line) => `${line}\n`).join(""));
  writeFileSync(global, (files.global ?? []).map((line) => `${line}\n`).join(""));
  const at = changes.at ?? { host: "oracle", port: 22, alias: host };
  return {
    at,
    known: await readKnownHosts([user, global], at),
    mode: "yes",
    userFiles: [user],
    globalFiles: [global],
    revokedFile: files.revoked ?? null,
    caSignatureAlgorithms: files.casig ?? opensshDefaults.caSignature,
    trustsLoopback: false,
    hash: false,
    ask: () => Promise.reject(new Error("nobody is asked")),
    notice: (message) => {
      throw new Error(message);
    },
    destination: "web",
    connectCommand: "ssh-mcp connect web",
    askingCommand: "ssh-mcp connect -o StrictHostKeyChecking=ask web",
    ...changes,
  };
};

const errorOf = async (policy: HostKeyPolicy | Promise<HostKeyPolicy>, blob: Buffer): Promise<SshMcpError | null> => {
  try {
    await acceptHostKey(await policy, blob, null);
    return null;
  } catch (error) {
    if (error instanceof SshMcpError) return error;
    throw error;
  }
};

const verdicts: Record<string, Verdict> = {
  HOST_KEY_UNKNOWN: "unknown",
  HOST_KEY_CHANGED: "changed",
  HOST_KEY_REVOKED: "revoked",
  CONFIG_INVALID: "refused",
};

/** Both say the same; @returns what our message says */
const agree = async (shown: Shown, files: Files, expected: Verdict): Promise<string> => {
  const policy = await policyOf(files);
  const options = [
    ...(files.revoked == null ? [] : [`RevokedHostKeys=${files.revoked}`]),
    ...(files.casig === undefined ? [] : [`CASignatureAlgorithms=${files.casig.join(",")}`]),
  ];
  const [userFile = "", globalFile = ""] = [policy.userFiles[0], policy.globalFiles[0]];
  const error = await errorOf(policy, blobOf(shown));
  const ours = error === null ? "accepted" : verdicts[error.code];
  expect([ours, await sshVerdict(shown, { alias: host, userFile, globalFile, options })]).toEqual([expected, expected]);
  return error?.message ?? "";
};

const caLine = (authority: KeyPair | undefined, names = "*.example.com"): string =>
  `@cert-authority ${names} ${key(authority).line}`;
const plain = (): Shown => ({ hostKey: key(hostKey), certificate: null });

describe("a host certificate is", () => {
  const now = ["-h", "-n", host];
  test("accepted by an authority of the host, in any file", async () => {
    const good = await certify(key(ca), ...now);
    await agree(good, { user: [caLine(ca)] }, "accepted");
    await agree(good, { global: [caLine(otherCa), caLine(ca, host)] }, "accepted");
    await agree(good, { user: [`${host} ${key(otherKey).line}`, caLine(ca)] }, "accepted");
    expect(await acceptHostKey(await policyOf({ user: [caLine(ca)] }), blobOf(good), null)).toEqual({
      mayUpdate: false,
    });
  });

  test.each<[string, string[], Verdict, RegExp]>([
    ["expired", ["-V", "20200101:20210101"], "unknown", /its certificate has expired on 202[01]-/],
    ["not valid yet", ["-V", "20900101:21000101"], "unknown", /its certificate is not valid before 20(89|90)-/],
    [
      "for another name",
      ["-n", "db.example.com,x"],
      "unknown",
      /certificate is not for web.example.com, but for db.example.com, x/,
    ],
    ["for a pattern, which is no name", ["-n", "*.example.com"], "unknown", /not for web.example.com/],
    ["for a name in capitals", ["-n", "WEB.example.com"], "unknown", /not for web.example.com/],
    ["for every name", ["all"], "accepted", /^$/],
    ["with a critical option", ["-O", "critical:x=y"], "unknown", /its certificate has the critical option x/],
  ])("judged when it is %s", async (_, options, verdict, message) => {
    const names = options.includes("-n") || options[0] === "all" ? [] : ["-n", host];
    const shown = await certify(key(ca), "-h", ...names, ...options.filter((word) => word !== "all"));
    expect(await agree(shown, { user: [caLine(ca)] }, verdict)).toMatch(message);
  });

  test("refused when it is a user's", async () => {
    const shown = await certify(key(ca), "-n", host);
    expect(await agree(shown, { user: [caLine(ca)] }, "unknown")).toContain("is one of a user, not of a host");
  });

  test("refused from another authority, and by a signature that is not allowed", async () => {
    const foreign = await certify(key(otherCa), ...now);
    const message = await agree(foreign, { user: [caLine(ca)] }, "unknown");
    expect(message).toContain(
      `its certificate is signed by another authority, ssh-ed25519 ${key(otherCa).fingerprint}`,
    );
    await agree(
      foreign,
      { user: [caLine(otherCa, "*.example.org"), caLine(otherCa, `*.example.com,!${host}`)] },
      "unknown",
    );
    const sha1 = await certify(key(rsaCa), ...now, "-t", "ssh-rsa");
    expect(await agree(sha1, { user: [caLine(rsaCa)] }, "unknown")).toContain("is signed by ssh-rsa, which CASign");
    const sha2 = await certify(key(rsaCa), ...now);
    await agree(sha2, { user: [caLine(rsaCa)] }, "accepted");
    await agree(sha2, { user: [caLine(rsaCa)], casig: ["ssh-ed25519"] }, "unknown");
  });

  test("never taken on its word, whatever CASignatureAlgorithms allows", async () => {
    const sha1 = blobOf(await certify(key(rsaCa), ...now, "-t", "ssh-rsa"));
    const forged = Buffer.from(sha1);
    forged.writeUInt8((forged.at(-1) ?? 0) ^ 1, forged.length - 1);
    const files = { user: [caLine(rsaCa)], casig: ["ssh-rsa", "rsa-sha2-512"] };
    for (const blob of [sha1, forged]) {
      const error = await errorOf(policyOf(files), blob);
      expect(error?.code).toBe("HOST_KEY_UNKNOWN");
      expect(error?.message).toContain("its certificate is signed by ssh-rsa, which ssh-mcp does not take");
    }
  });

  test("passed over for the key in it, which may be known itself", async () => {
    const expired = await certify(key(ca), ...now, "-V", "20200101:20210101");
    const known = `${host} ${key(hostKey).line}`;
    await agree(expired, { user: [caLine(ca), known] }, "accepted");
    await agree(await certify(key(otherCa), ...now), { user: [known] }, "accepted");
    expect(await agree(expired, { user: [caLine(ca), `${host} ${key(otherKey).line}`] }, "changed")).toContain(
      "expired",
    );
  });

  test("revoked with its key or its authority, in any file", async () => {
    const good = await certify(key(ca), ...now);
    await agree(good, { user: [caLine(ca), `@revoked ${host} ${key(hostKey).line}`] }, "revoked");
    await agree(good, { user: [caLine(ca)], global: [`@revoked * ${key(ca).line}`] }, "revoked");
    await agree(good, { user: [caLine(ca)], global: [`@revoked *.example.org ${key(ca).line}`] }, "accepted");
  });

  test("an error when it is damaged, or signed by nobody", async () => {
    const blob = blobOf(await certify(key(ca), ...now));
    const forged = Buffer.from(blob);
    forged.writeUInt8((forged.at(-1) ?? 0) ^ 1, forged.length - 1);
    for (const bad of [blob.subarray(0, -1), forged]) {
      expect((await errorOf(policyOf({ user: [caLine(ca)] }), bad))?.code).toBe("PROTOCOL_ERROR");
    }
  });
});

describe("RevokedHostKeys", () => {
  const listOf = (...lines: string[]): string => {
    const path = join(tempDir("revoked"), "list");
    writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
    return path;
  };
  const krlOf = async (input: string | readonly KeyPair[], ...options: string[]): Promise<string> => {
    const folder = tempDir("krl");
    const files = typeof input === "string" ? [join(folder, "spec")] : input.map(({ path }) => `${path}.pub`);
    if (typeof input === "string") writeFileSync(join(folder, "spec"), input);
    await mustRun(["ssh-keygen", "-q", "-k", "-f", join(folder, "krl"), ...options, ...files]);
    return join(folder, "krl");
  };
  const known = (): string[] => [`${host} ${key(hostKey).line}`];

  test("is a list of keys", async () => {
    await agree(plain(), { user: known(), revoked: listOf("# none", "", key(otherKey).line) }, "accepted");
    await agree(plain(), { user: known(), revoked: listOf(`  ${key(hostKey).line} a comment`) }, "revoked");
    const good = await certify(key(ca), "-h", "-n", host);
    await agree(good, { user: [caLine(ca)], revoked: listOf(key(hostKey).line) }, "revoked");
    await agree(good, { user: [caLine(ca)], revoked: listOf(key(ca).line) }, "revoked");
    await agree(good, { user: [caLine(ca)], revoked: listOf(key(otherCa).line) }, "accepted");
  });

  test.each<[string, () => string]>([
    ["is not there", () => join(tempDir("revoked"), "missing")],
    ["has a line that is no key", () => listOf("ssh-ed25519 AAAA")],
    ["has a key with a name before it", () => listOf(`web ${key(otherKey).line}`)],
    ["is a damaged KRL", () => listOf("SSHKRL\n\0\0\0\0\x01junk")],
  ])("refuses every key when it %s", async (_, file) => {
    const path = file();
    const error = await errorOf(policyOf({ user: known(), revoked: path }), blobOf(plain()));
    expect(error?.message).toContain(`no host key can be trusted: RevokedHostKeys ${path}`);
    expect(error?.code).toBe("CONFIG_INVALID");
    const [userFile = ""] = (await policyOf({ user: known() })).userFiles;
    expect(await sshVerdict(plain(), { alias: host, userFile, options: [`RevokedHostKeys=${path}`] })).toBe("refused");
  });

  test("is a KRL of keys and digests", async () => {
    await agree(plain(), { user: known(), revoked: await krlOf([key(otherKey)]) }, "accepted");
    await agree(plain(), { user: known(), revoked: await krlOf([key(otherKey), key(hostKey)]) }, "revoked");
    for (const kind of ["sha1", "sha256"]) {
      const spec = `${kind}: ${key(hostKey).line}\n`;
      await agree(plain(), { user: known(), revoked: await krlOf(spec) }, "revoked");
      await agree(plain(), { user: known(), revoked: await krlOf(`${kind}: ${key(otherKey).line}\n`) }, "accepted");
    }
  });

  test("is a KRL of certificates by number, range, bitmap and id, of one authority or of all", async () => {
    const good = await certify(key(ca), "-h", "-n", host, "-z", "1000");
    const spec = async (text: string, ...options: string[]) => ({
      user: [caLine(ca)],
      revoked: await krlOf(text, ...options),
    });
    const byCa = ["-s", `${key(ca).path}.pub`];
    await agree(good, await spec("serial: 1000\n", ...byCa), "revoked");
    await agree(good, await spec("serial: 1001\nserial: 7\n", ...byCa), "accepted");
    await agree(good, await spec("serial: 900-2000\n", ...byCa), "revoked");
    await agree(good, await spec("serial: 1001-2000\nserial: 18446744073709551615\n", ...byCa), "accepted");
    // Close numbers go into a bitmap.
    const close = (numbers: number[]) => numbers.map((number) => `serial: ${number}\n`).join("");
    await agree(good, await spec(close([990, 992, 995, 1000, 1003, 1009]), ...byCa), "revoked");
    await agree(good, await spec(close([990, 992, 995, 999, 1003, 1009]), ...byCa), "accepted");
    await agree(good, await spec("serial: 1000\n", "-s", `${key(otherCa).path}.pub`), "accepted");
    await agree(good, await spec("serial: 1000\n", "-s", "none"), "revoked");
    await agree(good, await spec("id: the id\n", ...byCa), "revoked");
    await agree(good, await spec("id: another\n", ...byCa), "accepted");
    await agree(good, { user: [caLine(ca)], revoked: await krlOf([key(ca)]) }, "revoked");
    const unnumbered = await certify(key(ca), "-h", "-n", host);
    await agree(unnumbered, await spec("serial: 1-100\n", ...byCa), "accepted");
  });
});

describe("a plain key", () => {
  test("is looked for under the alias, without a port, in every file", async () => {
    await agree(plain(), { user: [`${host} ${key(otherKey).line}`, `${host} ${key(hostKey).line}`] }, "accepted");
    await agree(plain(), { global: [`WEB.example.com ${key(hostKey).line}`] }, "accepted");
    await agree(plain(), { user: [`[${host}]:22 ${key(hostKey).line}`, `oracle ${key(hostKey).line}`] }, "unknown");
    await agree(plain(), { global: [`${host} ${key(hostKey).line}`, `@revoked * ${key(hostKey).line}`] }, "revoked");
    await agree(plain(), { user: [`${host} ${key(otherKey).line}`] }, "changed");
    await agree(plain(), { user: [caLine(hostKey)] }, "unknown");
  });

  test("is recorded under the alias", async () => {
    const policy = await policyOf(
      {},
      { at: { host: "oracle", port: 2222, alias: "Web.Example.com" }, mode: "accept-new" },
    );
    const [file = ""] = policy.userFiles;
    expect(await acceptHostKey(policy, blobOf(plain()), null)).toEqual({ mayUpdate: false });
    expect(readFileSync(file, "utf8")).toBe(`web.example.com ${key(hostKey).line}\n`);
  });

  test("that cannot be recorded is accepted and told of, and the server may not change what is known", async () => {
    const notices: string[] = [];
    for (const mode of ["accept-new", "ask"] as const) {
      const policy = await policyOf({}, { mode, ask: async () => "yes", notice: (message) => notices.push(message) });
      const file = join(policy.userFiles[0] ?? "", "known_hosts");
      expect(await acceptHostKey({ ...policy, userFiles: [file] }, blobOf(plain()), null)).toEqual({
        mayUpdate: false,
      });
      expect(notices.splice(0)).toEqual([
        `the host key could not be added to ${file} (ENOTDIR): it will be unknown the next time`,
      ]);
    }
  });

  test("may be updated by the server when a file of the person's has it, with its port", async () => {
    const line = key(hostKey).line;
    const at = { host: "web", port: 2222 };
    const mayUpdate = async (files: Files) =>
      (await acceptHostKey(await policyOf(files, { at }), blobOf(plain()), null)).mayUpdate;
    expect(await mayUpdate({ user: [`[web]:2222 ${line}`] })).toBe(true);
    expect(await mayUpdate({ user: [`web ${line}`] })).toBe(false);
    expect(await mayUpdate({ global: [`[web]:2222 ${line}`] })).toBe(false);
  });

  test("of this machine need not be known with NoHostAuthenticationForLocalhost, but under an alias, and not when it is revoked", async () => {
    const at = { host: "web", port: 22 };
    const trusting = (changes: Partial<HostKeyPolicy> = {}, files: Files = {}) =>
      policyOf(files, { at, trustsLoopback: true, ...changes });
    const tried = async (policy: Promise<HostKeyPolicy>, peer: string | null) =>
      acceptHostKey(await policy, blobOf(plain()), peer).then(
        () => "accepted",
        ({ code }: SshMcpError) => code,
      );
    for (const peer of ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"]) {
      expect(await tried(trusting(), peer)).toBe("accepted");
    }
    for (const peer of [null, "10.0.0.1", "::2", "fe80::1"]) {
      expect(await tried(trusting(), peer)).toBe("HOST_KEY_UNKNOWN");
    }
    expect(await tried(trusting({ at: { ...at, alias: "x" } }), "127.0.0.1")).toBe("HOST_KEY_UNKNOWN");
    expect(await tried(trusting({ trustsLoopback: false }), "127.0.0.1")).toBe("HOST_KEY_UNKNOWN");
    expect(await tried(trusting({}, { revoked: listFile(key(hostKey).line) }), "127.0.0.1")).toBe("HOST_KEY_REVOKED");
  });
});

const listFile = (line: string): string => {
  const path = join(tempDir("revoked"), "list");
  writeFileSync(path, `${line}\n`);
  return path;
};

describe("the question", () => {
  const ask =
    (answers: string[], asked: string[]): HostKeyPolicy["ask"] =>
    async ({ text }) => {
      asked.push(text);
      return answers.shift() ?? "";
    };

  test("is ssh's own, with other names of the key", async () => {
    const asked: string[] = [];
    const others = [
      `db,10.0.0.1 ${key(hostKey).line}`,
      `|1|${Buffer.alloc(20).toString("base64")}|${Buffer.alloc(20).toString("base64")} ${key(hostKey).line}`,
    ];
    const at = { host: "web", port: 2222 };
    const policy = await policyOf(
      { user: others },
      { at, mode: "ask", ask: ask(["x", key(hostKey).fingerprint], asked) },
    );
    const [file = ""] = policy.userFiles;
    expect(await acceptHostKey(policy, blobOf(plain()), "10.0.0.2")).toEqual({ mayUpdate: true });
    expect(asked).toEqual([
      [
        "The authenticity of host '[web]:2222 ([10.0.0.2]:2222)' can't be established.",
        `ED25519 key fingerprint is ${key(hostKey).fingerprint}.`,
        "This host key is known by the following other names/addresses:",
        `    ${file}:1: db,10.0.0.1`,
        `    ${file}:2: [hashed name]`,
        "Are you sure you want to continue connecting (yes/no/[fingerprint])? ",
      ].join("\n"),
      "Please type 'yes', 'no' or the fingerprint: ",
    ]);
    expect(readFileSync(file, "utf8")).toEndWith(`\n[web]:2222 ${key(hostKey).line}\n`);
  });

  test("tells what is wrong with the certificate, and with lines of known_hosts", async () => {
    const asked: string[] = [];
    const shown = await certify(key(ca), "-h", "-n", "db");
    const policy = await policyOf(
      { user: [caLine(ca), `${host} ssh-ed25519 AAAA`] },
      { mode: "ask", ask: ask(["no"], asked) },
    );
    const error = await errorOf(policy, blobOf(shown));
    const [file = ""] = policy.userFiles;
    expect(asked[0]).toContain(
      `\nIts certificate is not for ${host}, but for db.\n${file}:2: the ssh-ed25519 key cannot be read\nThis key is not known by any other names.\n`,
    );
    expect(error?.code).toBe("HOST_KEY_UNKNOWN");
    expect(error?.message).toContain(
      `; its certificate is not for ${host}, but for db; ${file}:2: the ssh-ed25519 key`,
    );
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, "utf8")).not.toContain(key(hostKey).line);
  });
});

test("where no file may hold it, an unknown key is refused in every mode, and nobody is asked: as by ssh", async () => {
  for (const mode of ["ask", "accept-new", "no"] as const) {
    const policy = await policyOf({}, { mode, userFiles: [] });
    expect(await errorOf(policy, blobOf(plain()))).toMatchObject({ code: "HOST_KEY_UNKNOWN" });
    const options = [`StrictHostKeyChecking=${mode}`];
    expect(await sshVerdict(plain(), { alias: host, userFile: "none", options })).toBe("refused");
  }
});
