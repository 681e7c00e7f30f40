import { expect, test } from "bun:test";
import * as v from "valibot";
import { trust } from "../../src/operations/trust.ts";
import { contextFor, FakeSessions, trustedHost } from "./fake-sessions.ts";

test("trust hands on where to go and which key is meant, and shows what it found", async () => {
  const sessions = new FakeSessions();
  const fingerprint = `SHA256:${"b".repeat(43)}`;
  const input = v.parse(trust.input, { destination: "web", port: 2222, fingerprint, timeout: 3 });
  const result = await trust.run(input, contextFor("cli", sessions));
  expect(sessions.trusted).toMatchObject([
    { request: { destination: "web", port: 2222, timeoutMs: 3000 }, fingerprint },
  ]);
  expect(v.parse(trust.output, result)).toEqual(trustedHost);
  expect(trust.render(result)).toBe(
    [
      "host keys of 10.0.0.5 port 2222, which is [10.0.0.5]:2222 in known_hosts:",
      "ssh-ed25519 256 SHA256:one, known (/f:3)",
      "+art+",
      "ssh-rsa 2048 SHA256:two, recorded in /home/ana/.ssh/known_hosts",
      "+rsa+",
    ].join("\n"),
  );
});

test.each(["SHA256:short", "MD5:aa:bb", "yes", `SHA256:${"b".repeat(43)}=`])("%s is no fingerprint", (fingerprint) => {
  expect(v.safeParse(trust.input, { destination: "web", fingerprint }).success).toBe(false);
});
