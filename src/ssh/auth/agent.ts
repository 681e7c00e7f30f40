/** An SSH agent behind its socket. */
import { createConnection } from "node:net";
import {
  type AgentIdentity,
  addRequest,
  identitiesRequest,
  isSuccess,
  type KeyConstraints,
  readIdentities,
  readSignature,
  signRequest,
} from "./agent-protocol.ts";
import type { PrivateKey } from "./private-key.ts";
import type { PublicKey } from "./public-key.ts";
import { uint32 } from "./wire-numbers.ts";

/** Milliseconds. An agent that does not answer is as good as none. */
const answerLimitMs = 5000;
/** Milliseconds. A key may have to be touched, or its use confirmed: nobody who does it at all takes longer. */
const signatureLimitMs = 120_000;
/** Bytes of an answer, as ssh(1)'s MAX_AGENT_REPLY_LEN has it. */
const answerLimit = 256 * 1024;

export class Agent {
  readonly #socket: string;
  readonly #signatureLimitMs: number;

  constructor(socket: string, limitMs = signatureLimitMs) {
    this.#socket = socket;
    this.#signatureLimitMs = limitMs;
  }

  /** Its keys, in its order; none when nobody answers as an agent does: ssh(1) goes on without one. */
  async identities(): Promise<AgentIdentity[]> {
    try {
      const answer = await this.#ask(identitiesRequest(), AbortSignal.timeout(answerLimitMs));
      return readIdentities(answer) ?? [];
    } catch {
      return [];
    }
  }

  /**
   * @param algorithm what the signature is to name
   * @returns the signature as the agent gave it; null when it refused
   * @throws Error when it does not answer as an agent does, or not in the time that a person has; when the signal aborts
   */
  async sign(key: PublicKey, data: Buffer, algorithm: string, signal: AbortSignal): Promise<Buffer | null> {
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(this.#signatureLimitMs)]);
    return readSignature(await this.#ask(signRequest(key, data, algorithm), inTime));
  }

  /** @returns whether it took the key */
  async add(key: PrivateKey, comment: string, constraints: KeyConstraints): Promise<boolean> {
    try {
      const request = addRequest(key.agentFields(), comment, constraints);
      return isSuccess(await this.#ask(request, AbortSignal.timeout(answerLimitMs)));
    } catch {
      return false;
    }
  }

  /** One request on a connection of its own. Lengths are `uint32` in front of each message (section 3 of the draft). */
  #ask(request: Buffer, signal: AbortSignal): Promise<Buffer> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const socket = createConnection(this.#socket);
    let received = Buffer.alloc(0);
    const fail = (why: string): void => reject(new Error(why));
    const abort = (): void => fail("the agent did not answer in time");
    signal.addEventListener("abort", abort, { once: true });
    if (signal.aborted) abort();
    socket.once("connect", () => socket.write(Buffer.concat([uint32(request.length), request])));
    socket.on("data", (piece: Buffer) => {
      received = Buffer.concat([received, piece]);
      if (received.length < 4) return;
      const length = received.readUInt32BE(0);
      if (length === 0 || length > answerLimit) fail(`the agent's answer has ${length} bytes`);
      else if (received.length >= 4 + length) resolve(received.subarray(4, 4 + length));
    });
    socket.once("error", reject);
    socket.once("close", () => fail("the agent closed the connection without an answer"));
    return promise.finally(() => {
      signal.removeEventListener("abort", abort);
      socket.on("error", () => undefined);
      socket.destroy();
    });
  }
}
