/** How long a host key has to be. */
import { fewestRsaBits } from "../../config/ssh-config/resolved-host.ts";
import { SshMcpError } from "../../core/errors.ts";
import { bitLength, WireReader } from "../wire-reader.ts";

/**
 * @param key in wire form (RFC 4253, section 6.6), or a certificate for one (PROTOCOL.certkeys)
 * @param requiredRsaBits RequiredRSASize
 * @throws SshMcpError KEY_INVALID for an RSA key that is too short
 */
export const mustBeLongEnough = (key: Buffer, requiredRsaBits: number, where: string): void => {
  const fields = new WireReader(key);
  const type = fields.string().toString("latin1");
  const isCertificate = type === "ssh-rsa-cert-v01@openssh.com";
  if (!isCertificate && type !== "ssh-rsa") return;
  // The nonce.
  if (isCertificate) fields.string();
  // The public exponent.
  fields.string();
  // What is not all there has no bits.
  const bits = bitLength(fields.string());
  const fewest = Math.max(fewestRsaBits, requiredRsaBits);
  if (bits >= fewest) return;
  throw new SshMcpError(
    "KEY_INVALID",
    `the RSA host key of ${where} has ${bits} bits; at least ${fewest} are required`,
    {
      hint:
        bits < fewestRsaBits
          ? "ask whoever keeps the server for a key of 3072 bits, or an Ed25519 key"
          : `add "RequiredRSASize ${bits}" for this host to ssh_config`,
    },
  );
};
