import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isKnownHostName } from "../../../src/ssh/host-keys/known-host-names.ts";
import { hashHostName } from "../../../src/ssh/host-keys/known-hosts-line.ts";
import { cleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";

afterAll(cleanup);

const file = join(tempDir("known"), "known_hosts");
const hashed = (name: string): string => hashHostName(name, new Uint8Array(20).fill(7));
writeFileSync(
  file,
  [
    "# comment ssh-ed25519 AAAA",
    "Web,10.0.0.1 ssh-ed25519 AAAA",
    "[prod]:2222,[10.0.0.2]:2222 ssh-ed25519 AAAA",
    "[db*]:2200,![dbx]:2200 ssh-ed25519 AAAA",
    "@cert-authority *.example ssh-ed25519 AAAA",
    "@revoked gone ssh-ed25519 AAAA",
    `${hashed("plain")} ssh-ed25519 AAAA`,
    `${hashed("[like-prod]:2222")} ssh-ed25519 AAAA`,
    `${hashed("[mine]:4321")} ssh-ed25519 AAAA`,
    `${hashed("[hidden]:9999")} ssh-ed25519 AAAA`,
    "|1|broken ssh-ed25519 AAAA",
  ].join("\n"),
);

test.each([
  ["web", true],
  ["WEB", true],
  ["prod", true],
  ["10.0.0.2", true],
  ["db1", true],
  ["dbx", false],
  ["a.example", false],
  ["gone", false],
  ["comment", false],
  ["plain", true],
  ["like-prod", true],
  ["mine", true],
  // Nobody can tell on which port it is.
  ["hidden", false],
  ["nobody", false],
])("%s: %p", async (name, isKnown) => {
  expect(await isKnownHostName([join(file, "../none"), file], name, [22, 4321])).toBe(isKnown);
});
