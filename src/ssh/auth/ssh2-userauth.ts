/**
 * The authentication protocol (RFC 4252) over ssh2 1.17.0's transport, message by message. ssh2's own attempts cannot do certificates, keys of
 * security keys and requests to change a password, and forget what a failure says after an agent's key. Its internals that are used: `_handlers`,
 * which take every message; `_authsQueue`, by which messages of number 60 are told apart; `_packetRW`, `_cipher`, `_queue` and `_kexinit`, to
 * send; `_kex.sessionID`, which is signed.
 */
import type { Client } from "ssh2";
import { wireString } from "../wire-reader.ts";

export interface InfoPrompt {
  prompt: string;
  echo: boolean;
}

/** What a server says to a request; its texts are untrusted. */
export type Reply =
  | { kind: "success" }
  | { kind: "failure"; allowed: readonly string[]; partial: boolean }
  | { kind: "keyAccepted"; algorithm: string; blob: Buffer }
  | { kind: "changePassword"; prompt: string }
  | { kind: "questions"; name: string; instructions: string; prompts: readonly InfoPrompt[] };

export interface UserauthPort {
  readonly sessionId: Buffer;
  /** `server-sig-algs` (RFC 8308, section 3.1); null when the server sent none. */
  readonly serverSignatures: readonly string[] | null;
  /**
   * Sends a request of a method; `fields` are those behind its name.
   * @returns what the server says to it; never when the connection ends first
   */
  request(user: string, method: string, ...fields: Buffer[]): Promise<Reply>;
  /** Answers questions of keyboard-interactive (RFC 4256, section 3.4). */
  answer(answers: readonly string[]): Promise<Reply>;
}

interface Protocol {
  _handlers: Record<string, ((...args: never[]) => void) | undefined>;
  _authsQueue: string[];
  _packetRW: { write: { alloc(length: number): Buffer; allocStart: number; finalize(packet: Buffer): Buffer } };
  _cipher: { encrypt(packet: Buffer): void };
  _queue: Buffer[] | undefined;
  _kexinit: unknown;
  _kex: { sessionID: Buffer };
}

/** RFC 4252, section 6; RFC 4256, section 5. */
const message = { request: 50, infoResponse: 61 } as const;

/** The bytes of a request, without what is signed before them (RFC 4252, section 7). */
export const requestBytes = (user: string, method: string, ...fields: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.of(message.request), ...[user, "ssh-connection", method].map(wireString), ...fields]);

/**
 * Keeps `server-sig-algs`. To be called once the connection is being made: the server may tell it before ssh2 says that the handshake is through.
 * @returns what was told so far
 */
export const listenForSignatures = (client: Client): (() => readonly string[] | null) => {
  let told: readonly string[] | null = null;
  const listen = (_protocol: never, extensions: { name: string; algs: string[] }[]): void => {
    // RFC 8308, section 2.4: a later message takes the place of an earlier one.
    told = extensions.find(({ name }) => name === "server-sig-algs")?.algs ?? told;
  };
  protocolOf(client)._handlers["EXT_INFO"] = listen;
  return () => told;
};

/**
 * Takes the authentication over. To be called while ssh2 emits "handshake", just before it asks for the service.
 * @param pipelined begin right behind the request for the service (RFC 4253, section 10) instead of waiting for its accept
 * @param begin is given the way to the server, once
 * @param serverSignatures of `listenForSignatures`
 */
export const takeUserauth = (
  client: Client,
  pipelined: boolean,
  begin: (port: UserauthPort) => void,
  serverSignatures: () => readonly string[] | null,
): void => {
  const protocol = protocolOf(client);
  const { _handlers } = protocol;
  let waiting: ((reply: Reply) => void) | null = null;
  const reply = (said: Reply): void => {
    // What nobody asked for is passed over.
    const take = waiting;
    waiting = null;
    take?.(said);
  };
  const send = (payload: Buffer): Promise<Reply> =>
    new Promise((resolve) => {
      waiting = resolve;
      sendPayload(protocol, payload);
    });
  const port: UserauthPort = {
    sessionId: protocol._kex.sessionID,
    get serverSignatures() {
      return serverSignatures();
    },
    request: (user, method, ...fields) => {
      protocol._authsQueue = [method];
      return send(requestBytes(user, method, ...fields));
    },
    answer: (answers) => {
      const count = Buffer.alloc(4);
      count.writeUInt32BE(answers.length);
      return send(Buffer.concat([Buffer.of(message.infoResponse), count, ...answers.map(wireString)]));
    },
  };
  let isBegun = false;
  const start = (): void => {
    if (isBegun) return;
    isBegun = true;
    begin(port);
  };
  const succeeded = _handlers["USERAUTH_SUCCESS"] as ((protocol: unknown) => void) | undefined;
  const handlers: Record<string, (...args: never[]) => void> = {
    SERVICE_ACCEPT: () => start(),
    USERAUTH_FAILURE: (_protocol: never, allowed: string[], partial: boolean) =>
      reply({ kind: "failure", allowed, partial: partial === true }),
    USERAUTH_PK_OK: (_protocol: never, algorithm: string, blob: Buffer) =>
      // ssh2 goes on to use the bytes behind it.
      reply({ kind: "keyAccepted", algorithm, blob: Buffer.from(blob) }),
    USERAUTH_PASSWD_CHANGEREQ: (_protocol: never, prompt: string) => reply({ kind: "changePassword", prompt }),
    USERAUTH_INFO_REQUEST: (_protocol: never, name: string, instructions: string, prompts: InfoPrompt[]) =>
      reply({ kind: "questions", name, instructions, prompts }),
    USERAUTH_SUCCESS: () => {
      if (waiting === null) return;
      // Nothing of the login is kept: whoever holds a key is to be forgotten.
      for (const name of Object.keys(handlers)) _handlers[name] = undefined;
      reply({ kind: "success" });
      succeeded?.(protocol);
    },
  };
  Object.assign(_handlers, handlers);
  if (pipelined) queueMicrotask(start);
};

const protocolOf = (client: Client): Protocol => (client as unknown as { _protocol: Protocol })._protocol;

/** As ssh2's own sendPacket, which it keeps to itself. */
const sendPayload = (protocol: Protocol, payload: Buffer): void => {
  const { write } = protocol._packetRW;
  const packet = write.alloc(payload.length);
  packet.set(payload, write.allocStart);
  const finished = write.finalize(packet);
  if (protocol._kexinit === undefined) {
    protocol._cipher.encrypt(finished);
  } else {
    protocol._queue ??= [];
    protocol._queue.push(finished);
  }
};
