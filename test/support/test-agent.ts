/** An SSH agent in this process, for what a real one does not hold, or would never say. */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { onCleanup } from "./cleanup.ts";
import type { PublicKey } from "./keys.ts";
import { tempDir } from "./temp.ts";

/** A key as an agent holds it. */
export interface AgentKey {
  blob: Uint8Array;
  comment?: string;
  /** @returns the signature in wire form; null refuses */
  sign(data: Buffer, flags: number): Buffer | null;
}

export interface TestAgent {
  /** What SSH_AUTH_SOCK names. */
  readonly socket: string;
  /** Message numbers of what was asked, in order. */
  readonly asked: readonly number[];
  /** The keys that it was asked to sign with, in order. */
  readonly signed: readonly Uint8Array[];
  /** Connections that are open now. */
  readonly open: () => number;
}

export interface AgentBehaviour {
  keys?: readonly AgentKey[];
  /** It signs nothing before, as long as somebody has to touch the key. */
  touch?: Promise<unknown>;
  /** Takes the place of everything: what is written for a message, instead of an answer. */
  answer?(message: Buffer, socket: Socket): void;
}

const string = (bytes: Uint8Array | string): Buffer => {
  const content = Buffer.from(bytes as Uint8Array);
  return Buffer.concat([uint32(content.length), content]);
};

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Starts an agent on a socket of its own (draft-miller-ssh-agent). */
export const startTestAgent = async ({ keys = [], touch, answer }: AgentBehaviour): Promise<TestAgent> => {
  const socket = join(tempDir("agent"), "socket");
  const asked: number[] = [];
  const signed: Uint8Array[] = [];
  const sockets = new Set<Socket>();
  const reply = (message: Buffer): Buffer => {
    if (message[0] === 11) {
      return Buffer.concat([Buffer.of(12), uint32(keys.length), ...keys.flatMap((key) => listed(key))]);
    }
    if (message[0] !== 13) return Buffer.of(5);
    const [blob, data] = [stringAt(message, 1), stringAt(message, 5 + message.readUInt32BE(1))];
    const flags = message.readUInt32BE(9 + blob.length + data.length);
    signed.push(blob);
    const signature = keys.find((key) => Buffer.from(key.blob).equals(blob))?.sign(data, flags) ?? null;
    return signature === null ? Buffer.of(5) : Buffer.concat([Buffer.of(14), string(signature)]);
  };
  const server = createServer((client) => {
    sockets.add(client);
    client.on("close", () => sockets.delete(client));
    client.on("error", () => client.destroy());
    let received = Buffer.alloc(0);
    client.on("data", (piece: Buffer) => {
      received = Buffer.concat([received, piece]);
      while (received.length >= 4 && received.length >= 4 + received.readUInt32BE(0)) {
        const message = stringAt(received, 0);
        received = received.subarray(4 + message.length);
        asked.push(message[0] ?? 0);
        if (answer !== undefined) answer(message, client);
        else if (touch === undefined || message[0] !== 13) client.write(string(reply(message)));
        else void touch.then(() => client.write(string(reply(message))));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  onCleanup(() => {
    for (const each of sockets) each.destroy();
    server.close();
  });
  return { socket, asked, signed, open: () => sockets.size };
};

const listed = ({ blob, comment = "test" }: AgentKey): Buffer[] => [string(blob), string(comment)];

const stringAt = (bytes: Buffer, at: number): Buffer => bytes.subarray(at + 4, at + 4 + bytes.readUInt32BE(at));

const ssh = (type: string, blob: Buffer): PublicKey => {
  const digest = createHash("sha256").update(blob).digest("base64").replace(/=+$/, "");
  return {
    ...{ algorithm: type, blob: new Uint8Array(blob), line: `${type} ${blob.toString("base64")}` },
    fingerprint: `SHA256:${digest}`,
  };
};

/** A security key made in software (PROTOCOL.u2f of OpenSSH): somebody touches it every time. */
export const makeSecurityKey = (kind: "ed25519" | "ecdsa"): PublicKey & AgentKey => {
  const application = "ssh:";
  let counter = 0;
  const signedOf = (data: Buffer): Buffer =>
    Buffer.concat([hash(Buffer.from(application)), Buffer.of(1), uint32(++counter), hash(data)]);
  const trailer = (): Buffer => Buffer.concat([Buffer.of(1), uint32(counter)]);
  if (kind === "ed25519") {
    const type = "sk-ssh-ed25519@openssh.com";
    const { privateKey, publicKey } = generateKeyPairSync("ed25519");
    const point = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
    const blob = Buffer.concat([type, point, application].map(string));
    return {
      ...ssh(type, blob),
      sign: (data) => {
        const signature = sign(null, signedOf(data), privateKey);
        return Buffer.concat([string(type), string(signature), trailer()]);
      },
    };
  }
  const type = "sk-ecdsa-sha2-nistp256@openssh.com";
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.of(4), Buffer.from(x, "base64url"), Buffer.from(y, "base64url")]);
  const blob = Buffer.concat([type, "nistp256", point, application].map(string));
  return {
    ...ssh(type, blob),
    sign: (data) => {
      const pair = sign("sha256", signedOf(data), { key: privateKey, dsaEncoding: "ieee-p1363" });
      const numbers = [pair.subarray(0, 32), pair.subarray(32)].map(mpint);
      return Buffer.concat([string(type), string(Buffer.concat(numbers)), trailer()]);
    },
  };
};

const hash = (bytes: Buffer): Buffer => createHash("sha256").update(bytes).digest();

const mpint = (bytes: Buffer): Buffer => {
  const first = bytes.findIndex((byte) => byte !== 0);
  const short = bytes.subarray(first);
  return string((short[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), short]) : short);
};
