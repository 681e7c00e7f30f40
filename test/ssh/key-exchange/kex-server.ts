/**
 * The unencrypted beginning of SSH (RFC 4253, sections 4 to 8), by hand: for what no library lets a server say in the key exchange. It never
 * gets as far as keys.
 */
import { type Listener, listen } from "../../support/listener.ts";

export interface KexScript {
  /** What it offers: a comma list. */
  kex: string;
  hostKey?: string;
  /** Answers a message of the key exchange: a whole payload, or none. */
  answer?: (type: number, payload: Buffer) => Buffer | null;
}

export interface KexServer extends Listener {
  /** Types of the messages that clients sent, identification and KEXINIT apart. */
  readonly heard: readonly number[];
}

const message = { kexInit: 20 };

/** Starts a server that does what the test says. */
export const startKexServer = async (script: KexScript): Promise<KexServer> => {
  const heard: number[] = [];
  const listener = await listen((socket) => {
    let waiting = Buffer.alloc(0);
    let identified = false;
    socket.write("SSH-2.0-scripted\r\n");
    socket.write(packet(kexInit(script)));
    socket.on("end", () => socket.end());
    socket.on("data", (chunk: Buffer) => {
      waiting = Buffer.concat([waiting, chunk]);
      if (!identified) {
        const end = waiting.indexOf("\n");
        if (end < 0) return;
        identified = true;
        waiting = waiting.subarray(end + 1);
      }
      while (waiting.length >= 4 && waiting.length >= 4 + waiting.readUInt32BE(0)) {
        const size = waiting.readUInt32BE(0);
        const payload = waiting.subarray(5, 4 + size - (waiting[4] ?? 0));
        waiting = waiting.subarray(4 + size);
        const type = payload[0] ?? 0;
        if (type === message.kexInit) continue;
        heard.push(type);
        const answer = script.answer?.(type, payload);
        if (answer) socket.write(packet(answer));
      }
    });
  });
  return { ...listener, heard };
};

/** A string of the wire (RFC 4251, section 5). */
export const wireString = (text: string | Uint8Array): Buffer => {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};

const kexInit = ({ kex, hostKey = "ssh-ed25519" }: KexScript): Buffer => {
  const twice = (list: string): Buffer[] => [wireString(list), wireString(list)];
  return Buffer.concat([
    ...[Buffer.of(message.kexInit), Buffer.alloc(16), wireString(kex), wireString(hostKey)],
    ...[...twice("aes128-ctr"), ...twice("hmac-sha2-256"), ...twice("none"), ...twice(""), Buffer.alloc(5)],
  ]);
};

/** RFC 4253, section 6, with no cipher and no MAC. */
const packet = (payload: Buffer): Buffer => {
  const padding = 8 - ((payload.length + 5) % 8) + (8 - ((payload.length + 5) % 8) < 4 ? 8 : 0);
  const head = Buffer.alloc(5);
  head.writeUInt32BE(1 + payload.length + padding);
  head[4] = padding;
  return Buffer.concat([head, payload, Buffer.alloc(padding)]);
};
