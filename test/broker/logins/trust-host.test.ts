/** `trust` at servers that old devices, and careful people, make special; what a person sees of it is in test/cli. */
import { afterAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import type { TrustedHost } from "../../../src/core/host-keys.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { type SshdOptions, startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { callOf, Person, requestFor } from "../sessions/sessions.ts";

afterAll(cleanup);

/** What a person who says yes to everything gets of a server. */
const trusted = async (server: SshdOptions, options: string[]): Promise<TrustedHost & { recorded: string }> => {
  const { port } = await startSshd(server);
  const registry = new SessionRegistry();
  onCleanup(() => registry.closeAll());
  const file = join(tempDir("known"), "known_hosts");
  writeFileSync(file, "");
  const files = [`UserKnownHostsFile=${file}`, "GlobalKnownHostsFile=none"];
  const person = new Person();
  const request = requestFor(`127.0.0.1:${port}`, { options: [...options, ...files] });
  const trusting = registry.hostKeys.trust(request, null, person.call(callOf().caller));
  void person.isAsked().then(
    () => person.answer("yes"),
    () => undefined,
  );
  return { ...(await trusting), recorded: readFileSync(file, "utf8") };
};

test("an old device: both sides' host key algorithms are told, and the line to add", async () => {
  const old = { hostKeys: ["rsa"], options: ["HostKeyAlgorithms ssh-rsa"] } satisfies SshdOptions;
  await expect(trusted(old, [])).rejects.toMatchObject({
    code: "NO_COMMON_ALGORITHM",
    message: expect.stringMatching(
      /have no host key algorithm in common: the server offers ssh-rsa; ssh-mcp offers ssh-ed25519,.*rsa-sha2-256$/,
    ),
    hint: expect.stringContaining('add "HostKeyAlgorithms +ssh-rsa" under "Host 127.0.0.1" in ssh_config'),
  });
  expect((await trusted(old, ["HostKeyAlgorithms=+ssh-rsa"])).keys).toMatchObject([{ type: "ssh-rsa" }]);
});

test("an old device: so are both sides' methods", async () => {
  const old = { hostKeys: ["ed25519"], options: ["KexAlgorithms diffie-hellman-group14-sha1"] } satisfies SshdOptions;
  await expect(trusted(old, [])).rejects.toMatchObject({
    code: "NO_COMMON_ALGORITHM",
    message: expect.stringContaining(
      "the server offers diffie-hellman-group14-sha1; ssh-mcp offers curve25519-sha256,",
    ),
    hint: expect.stringContaining('add "KexAlgorithms +diffie-hellman-group14-sha1" under "Host 127.0.0.1"'),
  });
});

test("an RSA key that no login would take is not recorded beside others, and an error alone", async () => {
  const options = ["RequiredRSASize=16384"];
  const { keys, recorded } = await trusted({ hostKeys: ["rsa", "ed25519"] }, options);
  expect(keys).toMatchObject([{ type: "ssh-ed25519", state: "recorded" }]);
  expect(recorded).not.toContain("ssh-rsa");
  await expect(trusted({ hostKeys: ["rsa"] }, options)).rejects.toMatchObject({
    code: "KEY_INVALID",
    message: expect.stringMatching(
      /^the RSA host key of 127\.0\.0\.1 port \d+ has \d+ bits; at least 16384 are required$/,
    ),
  });
});
