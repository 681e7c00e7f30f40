/** Public keys in wire form, made up where any bytes are a key to OpenSSH, generated where it checks more. */
import { generateKeyPairSync } from "node:crypto";

const wire = (...strings: (string | Uint8Array)[]): Buffer =>
  Buffer.concat(
    strings.flatMap((string) => {
      const bytes = Buffer.from(string);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );

export const ed25519 = (fill: number): Buffer => wire("ssh-ed25519", Buffer.alloc(32, fill));

export const rsa = (fill: number, bits = 2048): Buffer =>
  wire("ssh-rsa", Buffer.from([1, 0, 1]), Buffer.concat([Buffer.from([0]), Buffer.alloc(bits / 8, fill | 0x81)]));

const point = (): Buffer => {
  const jwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  const coordinate = (text: string | undefined) => Buffer.from(text ?? "", "base64url");
  return Buffer.concat([Buffer.from([4]), coordinate(jwk.x), coordinate(jwk.y)]);
};

export const ecdsa: Buffer = wire("ecdsa-sha2-nistp256", "nistp256", point());

export const unknownType: Buffer = wire("ssh-quantum", Buffer.alloc(32, 1));

/** `TYPE BASE64`, as a known_hosts line ends. */
export const text = (key: Buffer): string =>
  `${key.subarray(4, 4 + key.readUInt32BE(0)).toString()} ${key.toString("base64")}`;
