/** How long a host key has to be. */
import { SshMcpError } from "../../core/errors.ts";

/** OpenSSH's SSH_RSA_MINIMUM_MODULUS_SIZE: less is refused whatever is asked for. */
const fewestBits = 1024;

/**
 * @param key in wire form (RFC 4253, section 6.6), or a certificate for one (PROTOCOL.certkeys)
 * @param requiredRsaBits RequiredRSASize
 * @throws SshMcpError KEY_INVALID for an RSA key that is too short
 */
export const mustBeLongEnough = (key: Buffer, requiredRsaBits: number, where: string): void => {
  const type = stringAt(key, 0);
  // Behind the type of a certificate comes a nonce; then the exponent, then the modulus.
  const isCertificate = type.toString("latin1") === "ssh-rsa-cert-v01@openssh.com";
  if (!isCertificate && type.toString("latin1") !== "ssh-rsa") return;
  const modulus = nthString(key, isCertificate ? 3 : 2);
  const bits = BigInt(`0x0${modulus.toString("hex")}`)
    .toString(2)
    .replace(/^0/, "").length;
  const fewest = Math.max(fewestBits, requiredRsaBits);
  if (bits >= fewest) return;
  throw new SshMcpError(
    "KEY_INVALID",
    `the RSA host key of ${where} has ${bits} bits; at least ${fewest} are required`,
    {
      hint:
        bits < fewestBits
          ? "ask whoever keeps the server for a key of 3072 bits, or an Ed25519 key"
          : `add "RequiredRSASize ${bits}" for this host to ssh_config`,
    },
  );
};

const nthString = (blob: Buffer, index: number): Buffer => {
  let at = 0;
  for (let passed = 0; passed < index; passed++) at += 4 + stringAt(blob, at).length;
  return stringAt(blob, at);
};

/** RFC 4251, section 5; empty when it is not all there. */
const stringAt = (blob: Buffer, at: number): Buffer => {
  if (at + 4 > blob.length) return Buffer.alloc(0);
  const end = at + 4 + blob.readUInt32BE(at);
  return end > blob.length ? Buffer.alloc(0) : blob.subarray(at + 4, end);
};
