import { afterAll, expect, test } from "bun:test";
import { createHash, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { Client } from "ssh2";
import { algorithmsFor } from "../../../src/ssh/key-exchange/algorithms.ts";
import { agreeOnThread } from "../../../src/ssh/key-exchange/key-agreement.ts";
import { watchKeys } from "../../../src/ssh/key-exchange/ssh2-key-exchange.ts";
import { onAnnouncedKeys } from "../../../src/ssh/transport/host-keys-request.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeKey } from "../../support/keys.ts";
import { startSshd } from "../../support/sshd.ts";
import { plainChoice } from "../plain-choice.ts";

afterAll(cleanup);

// Of ssh2 as it is patched: between KEXINIT and NEWKEYS nothing but the key exchange may be sent, however long a verdict takes.
test.each([
  ["curve25519-sha256", false],
  ["diffie-hellman-group14-sha256", true],
])(
  "while a verifier makes up its mind at a rekey, what is sent waits: %s, compressed: %p",
  async (kexAlgorithms, compression) => {
    const login = await makeKey();
    const sshd = await startSshd({ authorizedKeys: [login.line] });
    const socket = connect({ host: "127.0.0.1", port: sshd.port });
    const client = new Client();
    const over = Promise.withResolvers<string>();
    let verdicts = 0;
    client.on("error", over.reject);
    client.on("ready", () => {
      client.exec("cat", (error, channel) => {
        if (error) return over.reject(error);
        const digest = createHash("sha256");
        let received = 0;
        channel.on("data", (chunk: Buffer) => {
          digest.update(chunk);
          // Twice, with data on their way in both directions.
          if (Math.floor(received / 2 ** 21) !== Math.floor((received + chunk.length) / 2 ** 21)) rekey();
          received += chunk.length;
        });
        channel.on("close", () => over.resolve(digest.digest("hex")));
        channel.end(data);
      });
    });
    client.connect({
      ...{ sock: socket, username: sshd.user, privateKey: readFileSync(login.path) },
      algorithms: algorithmsFor({ ...plainChoice, kexAlgorithms, compression }),
      hostVerifier: (_key: Buffer, verdict: (accepted: boolean) => void) => {
        verdicts++;
        setTimeout(() => verdict(true), 30);
      },
    });
    agreeOnThread(client, socket);
    // ssh2's own listener would have a proof of keys that it does not read any more.
    onAnnouncedKeys(client, () => undefined);
    const rekey = watchKeys(
      client,
      () => undefined,
      () => undefined,
    );
    expect(await over.promise).toBe(createHash("sha256").update(data).digest("hex"));
    expect(verdicts).toBeGreaterThan(1);
    client.end();
  },
);

const data = randomBytes(5 * 1024 * 1024);
