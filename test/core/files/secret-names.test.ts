import { expect, test } from "bun:test";
import { beginsAsKey, secretName } from "../../../src/core/files/secret-names.ts";

test.each([
  [".ssh/config", ".ssh"],
  ["home/.SSH/x", ".SSH"],
  [".ssh-mcp/run", ".ssh-mcp"],
  [".gnupg", ".gnupg"],
  ["a/.aws/credentials", ".aws"],
  [".kube/config", ".kube"],
  [".config/gcloud/x", "gcloud"],
  [".docker/config.json", "config.json"],
  ["id_ed25519", "id_ed25519"],
  ["a/server.PEM", "server.PEM"],
  ["x.key", "x.key"],
  ["x.p12", "x.p12"],
  [".env", ".env"],
  [".env.production", ".env.production"],
  [".envrc", ".envrc"],
  ["prod.env", "prod.env"],
  [".cargo/credentials.toml", "credentials.toml"],
  [".m2/settings.xml", "settings.xml"],
  [".gem/credentials", "credentials"],
  ["www/.htpasswd", ".htpasswd"],
  // What a file system that folds takes for .ssh, .kube, id_rsa and .env.
  [".\u017fsh/config", ".\u017fsh"],
  [".\u212aube/config", ".\u212aube"],
  [".s\u200dsh/config", ".s\u200dsh"],
  ["\u0131d_rsa", "\u0131d_rsa"],
  [".\uff45nv", ".\uff45nv"],
])("%s has the name of a secret", (path, name) => expect(secretName(path.split("/"))).toBe(name));

test.each([
  "a/b.txt",
  "id_ed25519.pub",
  "environment",
  "key",
  "gcloud/x",
  "config.json",
  "ssh/config",
  "envrc",
  "settings.xml",
])("%s has none", (path) => expect(secretName(path.split("/"))).toBeNull());

test.each([
  ["-----BEGIN OPENSSH PRIVATE KEY-----\nb3", true],
  ["-----BEGIN PRIVATE KEY-----", true],
  ["Bag Attributes\n-----BEGIN RSA PRIVATE KEY-----", true],
  ["-----BEGIN PGP PRIVATE KEY BLOCK-----", true],
  ["PuTTY-User-Key-File-3: ssh-ed25519", true],
  ["-----BEGIN PUBLIC KEY-----", false],
  ["-----BEGIN CERTIFICATE-----", false],
  ["", false],
])("%j begins as a key: %p", (text, is) => expect(beginsAsKey(new TextEncoder().encode(text))).toBe(is));
