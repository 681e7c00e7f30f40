/** AES-GCM packets, beside ssh2's own: what one encrypts the other decrypts, however it is cut. */
import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { AesGcmCipher, AesGcmDecipher, isAesGcm } from "../../../src/ssh/transport/aes-gcm.ts";

interface Encrypts {
  allocPacket(bytes: number): Buffer;
  encrypt(packet: Buffer): void;
  free(): void;
  outSeqno: number;
}

interface Decrypts {
  decrypt(data: Buffer, from: number, end: number): undefined | number;
  inSeqno: number;
}

const oracle: {
  createCipher(config: object): Encrypts;
  createDecipher(config: object): Decrypts;
  CIPHER_INFO: Record<string, { sslName: string; keyLen: number }>;
  MAC_INFO: Record<string, object>;
} = require("ssh2/lib/protocol/crypto.js");

const names = ["aes128-gcm@openssh.com", "aes256-gcm@openssh.com"] as const;

/** Both of both sides, with the same keys. Payloads that come are copied, and verdicts are taken from `verdict`. */
const world = (name: (typeof names)[number], nonce = randomBytes(12)) => {
  const info = oracle.CIPHER_INFO[name] ?? { sslName: "", keyLen: 0 };
  const key = randomBytes(info.keyLen);
  const sent: Buffer[] = [];
  const got: Buffer[] = [];
  let verdict: undefined | false | number;
  const outbound = () => ({
    seqno: 5,
    cipherInfo: info,
    cipherKey: Buffer.from(key),
    cipherIV: Buffer.from(nonce),
    onWrite: (bytes: Uint8Array) => void sent.push(Buffer.from(bytes)),
    macInfo: oracle.MAC_INFO["hmac-sha2-256"],
  });
  const inbound = () => ({
    seqno: 9,
    decipherInfo: info,
    decipherKey: Buffer.from(key),
    decipherIV: Buffer.from(nonce),
    onPayload: (payload: Buffer) => {
      got.push(Buffer.from(payload));
      return verdict;
    },
    macInfo: oracle.MAC_INFO["hmac-sha2-256"],
  });
  return {
    sent,
    got,
    setVerdict: (value: undefined | false | number) => {
      verdict = value;
    },
    cipher: () => new AesGcmCipher(outbound()),
    decipher: () => new AesGcmDecipher(inbound()),
    theirCipher: () => oracle.createCipher({ outbound: outbound() }),
    theirDecipher: () => oracle.createDecipher({ inbound: inbound() }),
  };
};

const send = (cipher: Encrypts, payload: Buffer): void => {
  const packet = cipher.allocPacket(payload.length);
  packet.set(payload, 5);
  cipher.encrypt(packet);
};

const payloads = (): Buffer[] =>
  [1, 2, 5, 11, 12, 13, 100, 4095, 31 * 1024, 32 * 1024 + 9, 40_000, 60_000, 250_000, 1].map((bytes) =>
    randomBytes(bytes),
  );

/** Somewhere else every time. */
const cut = (bytes: Buffer, most: number): Buffer[] => {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + 1 + Math.floor(Math.random() * most));
    pieces.push(piece);
    at += piece.length;
  }
  return pieces;
};

describe.each([...names])("%s", (name) => {
  test("what we encrypt, ssh2 decrypts", () => {
    const { cipher, theirDecipher, sent, got } = world(name);
    const ours = cipher();
    const expected = payloads();
    for (const payload of expected) send(ours, payload);
    const theirs = theirDecipher();
    const all = Buffer.concat(sent);
    expect(theirs.decrypt(all, 0, all.length)).toBeUndefined();
    expect(got.map((payload, index) => payload.equals(expected[index] ?? payload.subarray(1)))).toEqual(
      expected.map(() => true),
    );
    expect(ours.outSeqno).toBe(5 + expected.length);
  });

  test("what ssh2 encrypts, we decrypt, cut anywhere", () => {
    for (const most of [1, 3, 17, 5000, 70_000, 1_000_000]) {
      const { theirCipher, decipher, sent, got } = world(name);
      const theirs = theirCipher();
      const expected = payloads();
      for (const payload of expected) send(theirs, payload);
      const ours = decipher();
      for (const piece of cut(Buffer.concat(sent), most)) {
        // Between what is somebody else's, whose memory is used again.
        const around = Buffer.concat([Buffer.alloc(3, 0xee), piece, Buffer.alloc(3, 0xee)]);
        expect(ours.decrypt(around, 3, 3 + piece.length)).toBeUndefined();
        around.fill(0);
      }
      expect(Buffer.concat(got).equals(Buffer.concat(expected))).toBe(true);
      expect(got.length).toBe(expected.length);
      expect(ours.inSeqno).toBe(9 + expected.length);
    }
  });

  test("the counter of the nonce carries over every byte, and not beyond the eighth", () => {
    for (const tail of ["00000000000000ff", "00000000ffffffff", "00ffffffffffffff", "ffffffffffffffff"]) {
      const { cipher, theirDecipher, sent, got } = world(name, Buffer.from(`01020304${tail}`, "hex"));
      const ours = cipher();
      for (const text of ["one", "two", "three"]) send(ours, Buffer.from(text));
      const all = Buffer.concat(sent);
      theirDecipher().decrypt(all, 0, all.length);
      expect(got.map(String)).toEqual(["one", "two", "three"]);
    }
  });

  test("a bit that was changed anywhere ends it, and nothing of that packet is handed on", () => {
    for (let n = 0; n < 100; n++) {
      const { cipher, decipher, sent, got } = world(name);
      send(cipher(), randomBytes(90));
      const all = Buffer.concat(sent);
      const at = Math.floor(Math.random() * all.length);
      all[at] = (all[at] ?? 0) ^ (1 << Math.floor(Math.random() * 8));
      const ours = decipher();
      let thrown: unknown = null;
      try {
        ours.decrypt(all, 0, all.length);
      } catch (error) {
        thrown = error;
      }
      expect(got).toEqual([]);
      // A longer length waits for bytes that never come, as with every implementation.
      if (thrown === null) expect(at).toBeLessThan(4);
      else expect(thrown).toBeInstanceOf(Error);
    }
  });

  test("lengths that no packet may have are refused before anything is kept", () => {
    for (const length of [0, 8, 15, 17, 256 * 1024 - 16, 2 ** 31, 2 ** 32 - 16]) {
      const { decipher } = world(name);
      const head = Buffer.alloc(4);
      head.writeUInt32BE(length, 0);
      const ours = decipher();
      expect(() => ours.decrypt(head, 0, 4)).toThrow("Bad packet length");
      expect(() => ours.decrypt(head, 0, 4)).toThrow("Nothing can be decrypted any more");
    }
  });

  test("padding beyond the packet is refused", () => {
    const { cipher, decipher, sent } = world(name);
    const ours = cipher();
    const packet = ours.allocPacket(20);
    packet[4] = 200;
    ours.encrypt(packet);
    const all = Buffer.concat(sent);
    expect(() => decipher().decrypt(all, 0, all.length)).toThrow("Bad padding length");
  });

  test("whoever takes a payload may stop behind it", () => {
    const { cipher, decipher, sent, got, setVerdict } = world(name);
    const ours = cipher();
    send(ours, Buffer.from("first"));
    const behind = Buffer.concat(sent).length;
    send(ours, Buffer.from("second"));
    const all = Buffer.concat(sent);
    const theirs = decipher();
    setVerdict(false);
    expect(theirs.decrypt(all, 0, all.length)).toBe(behind);
    setVerdict(undefined);
    expect(theirs.decrypt(all, behind, all.length)).toBeUndefined();
    expect(got.map(String)).toEqual(["first", "second"]);
    setVerdict(7);
    sent.length = 0;
    send(ours, Buffer.from("third"));
    const third = Buffer.concat(sent);
    expect(theirs.decrypt(third, 0, third.length)).toBe(7);
  });

  test("whoever takes payloads may change, also while one is taken", () => {
    const { cipher, decipher, sent, got } = world(name);
    const ours = cipher();
    for (const text of ["one", "two", "three"]) send(ours, Buffer.from(text));
    const all = Buffer.concat(sent);
    const theirs = decipher();
    const others: string[] = [];
    theirs._onPayload = (payload) => {
      others.push(String(payload));
      theirs._onPayload = (last) => void got.push(Buffer.from(last));
      return undefined;
    };
    theirs.decrypt(all, 0, all.length);
    expect([others, got.map(String)]).toEqual([["one"], ["two", "three"]]);
  });

  test("packets that are made beside each other keep apart", () => {
    const { cipher, decipher, sent, got } = world(name);
    const ours = cipher();
    const packets = ["one", "two", "three"].map((text) => {
      const packet = ours.allocPacket(text.length);
      packet.write(text, 5);
      return packet;
    });
    for (const packet of packets) ours.encrypt(packet);
    send(ours, Buffer.from("four"));
    const all = Buffer.concat(sent);
    decipher().decrypt(all, 0, all.length);
    expect(got.map(String)).toEqual(["one", "two", "three", "four"]);
  });

  test("after its end nothing goes out", () => {
    const { cipher, sent } = world(name);
    const ours = cipher();
    ours.free();
    send(ours, Buffer.from("late"));
    expect(sent).toEqual([]);
  });
});

test("other modes are left to ssh2", () => {
  const ours = Object.entries(oracle.CIPHER_INFO).filter(([, { sslName }]) => isAesGcm(sslName));
  expect(ours.map(([name]) => name)).toEqual(["aes128-gcm", "aes256-gcm", ...names]);
});
