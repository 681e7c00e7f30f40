/** Keys as OpenSSL writes them: PKCS#1 and SEC 1 ("traditional" PEM), PKCS#8, plain and encrypted. */
import { createPrivateKey } from "node:crypto";
import { type PrivateKey, privateKeyOf } from "./private-key.ts";

/** What a PEM file is; null is a file that holds no whole private key in PEM. */
export type PemKind = "plain" | "encrypted" | null;

export const pemKind = (text: string): PemKind => {
  const label = /-----BEGIN (RSA|EC|DSA|ENCRYPTED|) ?PRIVATE KEY-----/.exec(text)?.[1];
  if (label === undefined || !text.includes(`-----END ${label === "" ? "" : `${label} `}PRIVATE KEY-----`)) return null;
  // RFC 1421, section 4.6.1.1: the older encryption is said in a header.
  return label === "ENCRYPTED" || /^Proc-Type: *4, *ENCRYPTED/m.test(text) ? "encrypted" : "plain";
};

/** @returns null for what is damaged; a text says what is not supported */
export const readPem = (text: string): PrivateKey | string | null => {
  try {
    const key = createPrivateKey(text);
    return privateKeyOf(key) ?? unsupported(key.asymmetricKeyType);
  } catch {
    return text.includes("-----BEGIN DSA ") ? unsupported("dsa") : null;
  }
};

const unsupported = (type = ""): string => `keys of type ${type} are not supported`;

/** @param der PKCS#8, as the derivation of kind `pem` answers */
export const readDer = (der: Uint8Array): PrivateKey | null => {
  try {
    return privateKeyOf(createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" }));
  } catch {
    return null;
  }
};
