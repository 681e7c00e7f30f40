import { describe, expect, test } from "bun:test";
import { opensshAlgorithms, opensshDefaults } from "../../../src/config/ssh-config/values/algorithm-list.ts";
import {
  algorithmsFor,
  defaultAlgorithms,
  legacyAlgorithms,
  supportedAlgorithms,
} from "../../../src/ssh/key-exchange/algorithms.ts";
import { plainChoice } from "../plain-choice.ts";

const plain = algorithmsFor(plainChoice);

test("the defaults are OpenSSH's, but for what cannot be had", () => {
  for (const kind of ["kex", "cipher", "mac", "hostKey"] as const) {
    const missing = opensshDefaults[kind].filter((name) => !defaultAlgorithms[kind].includes(name));
    expect(missing.filter((name) => !/^(sntrup761|chacha20|umac|sk-)/.test(name))).toEqual([]);
    expect(defaultAlgorithms[kind].filter((name) => !opensshDefaults[kind].includes(name))).toEqual([]);
    expect(supportedAlgorithms[kind].filter((name) => !opensshAlgorithms[kind].includes(name))).toEqual([]);
  }
});

test("what old devices need comes last, and only when it is asked for", () => {
  const legacy = algorithmsFor({ ...plainChoice, legacy: true });
  expect(legacy).toEqual({
    kex: [...defaultAlgorithms.kex, ...legacyAlgorithms.kex],
    serverHostKey: [...defaultAlgorithms.hostKey, "ssh-rsa"],
    cipher: [...defaultAlgorithms.cipher, ...legacyAlgorithms.cipher],
    hmac: [...defaultAlgorithms.mac, ...legacyAlgorithms.mac],
    compress: ["none", "zlib@openssh.com", "zlib"],
  } as never);
  expect(JSON.stringify(plain)).not.toMatch(/cbc|md5|"ssh-rsa"/);
  expect(plain.kex?.toString()).not.toContain("sha1");
});

describe("lists of ssh_config", () => {
  test("what ssh has and we have not is passed over", () => {
    const chosen = algorithmsFor({
      ...plainChoice,
      kexAlgorithms: "sntrup761x25519-sha512@openssh.com,curve25519-sha256",
      ciphers: "^chacha20-poly1305@openssh.com,aes256-ctr",
      macs: "-hmac-sha1*,umac*",
    });
    expect(chosen.kex).toEqual(["curve25519-sha256"]);
    expect(chosen.cipher).toEqual([
      "aes256-ctr",
      ...defaultAlgorithms.cipher.filter((name) => name !== "aes256-ctr"),
    ] as never);
    expect(chosen.hmac).toEqual(defaultAlgorithms.mac.filter((name) => !name.includes("sha1")) as never);
  });

  test("an exact list stays as it is for an old device; what is taken away stays away", () => {
    const chosen = algorithmsFor({ ...plainChoice, legacy: true, ciphers: "aes256-ctr", kexAlgorithms: "-*-group1-*" });
    expect(chosen.cipher).toEqual(["aes256-ctr"]);
    expect(chosen.kex).toContain("diffie-hellman-group14-sha1");
    expect(chosen.kex).not.toContain("diffie-hellman-group1-sha1");
  });

  test.each([
    ["ciphers", "chacha20-poly1305@openssh.com", "Ciphers"],
    ["kexAlgorithms", "sntrup761x25519-sha512@openssh.com", "KexAlgorithms"],
    ["macs", "umac-64@openssh.com,umac-128@openssh.com", "MACs"],
    ["hostKeyAlgorithms", "ssh-dss", "HostKeyAlgorithms"],
    ["ciphers", "-*", "Ciphers"],
  ])("%s %s leaves nothing: CONFIG_INVALID names the list", (option, list, keyword) => {
    expect(() => algorithmsFor({ ...plainChoice, [option]: list })).toThrow(
      expect.objectContaining({
        code: "CONFIG_INVALID",
        message: expect.stringContaining(`${keyword} ${list} leaves nothing`),
      }),
    );
  });
});

describe("the order of host keys", () => {
  const order = (knownKeyTypes: readonly string[], hostKeyAlgorithms: string | null = null): string[] =>
    algorithmsFor({ ...plainChoice, knownKeyTypes, hostKeyAlgorithms }).serverHostKey as string[];
  const certificates = defaultAlgorithms.hostKey.filter((name) => name.includes("-cert-"));
  const keys = defaultAlgorithms.hostKey.filter((name) => !name.includes("-cert-"));

  test("nothing known, or the best one known: as it is", () => {
    expect(order([])).toEqual([...certificates, ...keys]);
    expect(order(["ssh-rsa", "ssh-ed25519"])).toEqual([...certificates, ...keys]);
  });

  test("a known key comes first, and its certificates, which hold the same key", () => {
    expect(order(["ecdsa-sha2-nistp384"]).slice(0, 3)).toEqual([
      "ecdsa-sha2-nistp384-cert-v01@openssh.com",
      "ecdsa-sha2-nistp384",
      "ssh-ed25519-cert-v01@openssh.com",
    ]);
    expect(order(["ssh-rsa"]).slice(0, 4)).toEqual([
      ...["rsa-sha2-512-cert-v01@openssh.com", "rsa-sha2-256-cert-v01@openssh.com"],
      ...["rsa-sha2-512", "rsa-sha2-256"],
    ]);
    expect(order(["ssh-rsa"]).toSorted()).toEqual([...certificates, ...keys].toSorted());
  });

  test("a known authority brings all certificates to the front", () => {
    const known = ["ssh-rsa-cert-v01@openssh.com", "ecdsa-sha2-nistp256"];
    expect(order(known).slice(0, certificates.length + 1)).toEqual([...certificates, "ecdsa-sha2-nistp256"]);
  });

  test("a list of ssh_config's keeps its order, unless it only adds or takes away", () => {
    expect(order(["ssh-rsa"], "ssh-ed25519,rsa-sha2-512")).toEqual(["ssh-ed25519", "rsa-sha2-512"]);
    expect(order(["ssh-rsa"], "^ecdsa-sha2-nistp256")[0]).toBe("ecdsa-sha2-nistp256");
    expect(order(["ecdsa-sha2-nistp256"], "-*-cert-*")[0]).toBe("ecdsa-sha2-nistp256");
    expect(order(["ssh-rsa"], "+ssh-rsa")[0]).toBe("rsa-sha2-512-cert-v01@openssh.com");
  });
});
