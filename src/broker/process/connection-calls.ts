/** The calls of one connection, by their numbers. */
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { hintFor } from "../../core/hint.ts";
import type { Caller } from "../../core/operation.ts";
import { encodeFailure } from "../wire/answer-frames.ts";
import { malformed } from "../wire/frame.ts";
import { callLimit, type Request } from "../wire/protocol.ts";
import type { Dispatch } from "./dispatch.ts";
import type { Load } from "./load.ts";
import { type Link, ServerCall } from "./server-call.ts";

export interface ConnectionCallsOptions {
  dispatch: Dispatch;
  load: Load;
  link: Link;
  /** Told when the last of them has ended. */
  onNone: () => void;
}

export class ConnectionCalls {
  readonly #options: ConnectionCallsOptions;
  readonly #calls = new Map<number, ServerCall>();
  /** Why no further request is accepted; null when they are. */
  #refusal: SshMcpError | null = null;
  #leaving = false;

  constructor(options: ConnectionCallsOptions) {
    this.#options = options;
  }

  /** Those that run now. */
  get size(): number {
    return this.#calls.size;
  }

  /** Undefined when the call ended, or was refused. */
  get(number: number): ServerCall | undefined {
    return this.#calls.get(number);
  }

  /** @throws SshMcpError PROTOCOL_ERROR for a number that a new call cannot have */
  mustBeFree(number: number): void {
    if (number === 0 || this.#calls.has(number)) throw malformed(`a request as call ${number}, which is taken`);
  }

  /**
   * Runs a request, or answers why it is not accepted.
   * @throws SshMcpError PROTOCOL_ERROR as `mustBeFree`
   */
  start(number: number, request: Request): void {
    this.mustBeFree(number);
    // The connection is about to end without a word, and the client takes its request elsewhere.
    if (this.#leaving && this.#calls.size === 0) return;
    const { dispatch, load, link, onNone } = this.#options;
    let over: () => void;
    try {
      if (this.#refusal !== null) throw this.#refusal;
      if (this.#calls.size >= callLimit) throw tooMany(request.caller);
      over = load.begin(request);
    } catch (thrown) {
      link.send(encodeFailure(number, toSshMcpError(thrown)));
      return;
    }
    const call = new ServerCall(number, request, link);
    this.#calls.set(number, call);
    void call.run(dispatch).then(() => {
      over();
      this.#calls.delete(number);
      if (this.#calls.size === 0) onNone();
    });
  }

  /** Accepts no further request: each is answered with the error. */
  refuse(error: SshMcpError): void {
    this.#refusal ??= error;
  }

  /** Accepts no further request, and answers none once nothing runs any more. */
  leave(): void {
    this.#leaving = true;
    this.refuse(notHere());
  }

  /** Tells all of them to stop. */
  cancel(reason: string): void {
    for (const call of this.#calls.values()) call.cancel(reason);
  }
}

const notHere = (): SshMcpError =>
  new SshMcpError("BROKER_UNAVAILABLE", "this broker takes no further call: another one has its place", {
    hint: "run the same command again",
  });

const tooMany = (caller: Caller): SshMcpError =>
  new SshMcpError("BROKER_UNAVAILABLE", `${callLimit} calls are running on this connection already`, {
    hint: hintFor(caller, { command: "ssh-mcp ls --running", tool: "ssh_sessions {}" }),
  });
