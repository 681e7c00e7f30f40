/** What `ssh -G` of OpenSSH 9.2 prints for options that nobody set (readconf.c fill_default_options). */

/** Written as ssh prints them: its `~` stays. */
export const defaultIdentityLines: readonly string[] = [
  "id_rsa",
  "id_ecdsa",
  "id_ecdsa_sk",
  "id_ed25519",
  "id_ed25519_sk",
  "id_xmss",
  "id_dsa",
].map((name) => `~/.ssh/${name}`);

/** GSSAPI key exchange, which Debian's ssh has and we do not. */
export const defaultGssKex = [
  "group14-sha256",
  "group16-sha512",
  "nistp256-sha256",
  "curve25519-sha256",
  "group14-sha1",
]
  .concat("gex-sha1")
  .map((name) => `gss-${name}-`)
  .join(",");

export const defaultXauth = "/usr/bin/xauth";

/** Seconds between keepalives that a login without questions gets. */
export const batchAliveSeconds = 300;
