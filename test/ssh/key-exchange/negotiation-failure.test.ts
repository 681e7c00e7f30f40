import { afterAll, expect, test } from "bun:test";
import type { SshMcpError } from "../../../src/core/errors.ts";
import { type AlgorithmChoice, algorithmsFor } from "../../../src/ssh/key-exchange/algorithms.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type KeyType, makeKey } from "../../support/keys.ts";
import { startSshd } from "../../support/sshd.ts";
import { open } from "../open.ts";
import { plainChoice } from "../plain-choice.ts";
import { startKexServer } from "./kex-server.ts";

afterAll(cleanup);

const failure = async (port: number, destination = "tester@old-switch:2222"): Promise<SshMcpError> =>
  open({ port, user: "tester", destination, algorithms: algorithmsFor(plainChoice) }).then(
    () => Promise.reject(new Error("it connected")),
    (error: SshMcpError) => error,
  );

test.each<[string, string, KeyType, string, string]>([
  [
    "key exchange method",
    "KexAlgorithms diffie-hellman-group14-sha1",
    "ed25519",
    "diffie-hellman-group14-sha1",
    "KexAlgorithms",
  ],
  ["cipher", "Ciphers aes256-cbc,3des-cbc", "ed25519", "aes256-cbc", "Ciphers"],
  ["host key algorithm", "HostKeyAlgorithms ssh-rsa", "rsa", "ssh-rsa", "HostKeyAlgorithms"],
])(
  "no %s in common, though there could be: both offers, and the line to add",
  async (what, option, key, name, keyword) => {
    const login = await makeKey();
    const sshd = await startSshd({ options: [option], hostKeys: [key], authorizedKeys: [login.line] });
    const error = await failure(sshd.port);
    expect(error).toMatchObject({
      code: "NO_COMMON_ALGORITHM",
      hint: `add "${keyword} +${name}" under "Host old-switch" in ssh_config, or "legacy = true" under [host.old-switch] in config.toml`,
    });
    const offered = option.split(" ")[1];
    expect(error.message).toContain(`have no ${what} in common: the server offers ${offered}; ssh-mcp offers `);
    const reach = (choice: Partial<AlgorithmChoice>) =>
      open({
        ...{ port: sshd.port, user: sshd.user, keys: [login.path] },
        algorithms: algorithmsFor({ ...plainChoice, ...choice }),
      });
    // Either of the two lines is enough.
    await reach({ legacy: true });
    const keys = {
      KexAlgorithms: "kexAlgorithms",
      Ciphers: "ciphers",
      HostKeyAlgorithms: "hostKeyAlgorithms",
    } as const;
    await reach({ [keys[keyword as keyof typeof keys]]: `+${name}` });
  },
);

test("what only ssh_config leaves out: another line would change nothing, and the one that does it is shown", async () => {
  const sshd = await startSshd({ options: ["Ciphers aes128-ctr", "MACs hmac-sha2-512"] });
  const algorithms = algorithmsFor({ ...plainChoice, ciphers: "aes128-ctr", macs: "hmac-sha2-256" });
  await expect(open({ port: sshd.port, user: sshd.user, algorithms })).rejects.toMatchObject({
    code: "NO_COMMON_ALGORITHM",
    message: expect.stringMatching(
      /no MAC in common: the server offers hmac-sha2-512; ssh-mcp offers hmac-sha2-256; MACs is set, and leaves out hmac-sha2-512$/,
    ),
    hint: "ssh-mcp hosts show test",
  });
});

test("nothing that can be had: it says so, and no line would help", async () => {
  const sshd = await startSshd({ options: ["Ciphers chacha20-poly1305@openssh.com"] });
  const error = await failure(sshd.port);
  expect(error.message).toContain(
    "the server offers chacha20-poly1305@openssh.com; ssh-mcp offers aes128-gcm@openssh.com,",
  );
  expect(error.message).toEndWith("; nothing of what it offers can be had");
});

test("a hostile server's names are escaped and cut", async () => {
  const server = await startKexServer({ kex: `\u001b[2Jx,${"y".repeat(20_000)}` });
  const error = await failure(server.port);
  expect(error.code).toBe("NO_COMMON_ALGORITHM");
  expect(error.message).toContain("the server offers \\x1b[2Jx,yyy");
  expect(error.message.length).toBeLessThan(1200);
});
