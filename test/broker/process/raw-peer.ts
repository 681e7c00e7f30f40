/** One end of a connection without manners: sends any frame or bytes, and keeps what it gets. */

import { encodeFrame, type Frame, FrameReader, type FrameType, frameType } from "../../../src/broker/wire/frame.ts";
import {
  type ClientMessage,
  protocolVersion,
  type Request,
  type Transport,
} from "../../../src/broker/wire/protocol.ts";
import { machinePlace } from "../../../src/files/machine.ts";
import { waitFor } from "../../support/wait.ts";

export const caller = { face: "cli", client: "cli", cwd: "/", agentSocket: null } as const;

export const request = (operation: string, changes: Partial<Request> = {}): Request => ({
  kind: "request",
  operation,
  input: {},
  caller,
  capture: null,
  progress: false,
  asks: false,
  ...changes,
});

export class RawPeer {
  readonly frames: Frame[] = [];
  closed = false;
  readonly #transport: Transport;

  constructor(transport: Transport) {
    const reader = new FrameReader();
    this.#transport = transport;
    transport.onData = (bytes) =>
      reader.push(bytes, (frame) => this.frames.push({ ...frame, payload: frame.payload.slice() }));
    transport.onClose = () => {
      this.closed = true;
    };
  }

  bytes(bytes: Uint8Array): void {
    this.#transport.write(bytes);
  }

  frame(type: FrameType, call: number, payload: string | Uint8Array = ""): void {
    this.bytes(encodeFrame(type, call, typeof payload === "string" ? new TextEncoder().encode(payload) : payload));
  }

  control(call: number, message: object): void {
    this.frame(frameType.control, call, JSON.stringify(message));
  }

  hello(protocol = protocolVersion): void {
    this.control(0, {
      kind: "hello",
      protocol,
      release: "test",
      place: machinePlace(),
      stop: false,
    } satisfies ClientMessage);
  }

  close(): void {
    this.#transport.close();
  }

  /** The control messages that came for a call so far. */
  messages(call: number): Record<string, unknown>[] {
    return this.#of(call, frameType.control).map(({ payload }) => JSON.parse(new TextDecoder().decode(payload)));
  }

  bytesOf(call: number, type: FrameType): number {
    return this.#of(call, type).reduce((sum, { payload }) => sum + payload.length, 0);
  }

  /** The first control message of this kind for the call. */
  message(call: number, kind: string): Promise<Record<string, unknown>> {
    const find = (): Record<string, unknown> | undefined =>
      this.messages(call).find((message) => message["kind"] === kind);
    return waitFor(find, { what: `${kind} for call ${call}`, timeout: 3000, interval: 1 });
  }

  #of(call: number, type: FrameType): Frame[] {
    return this.frames.filter((frame) => frame.call === call && frame.type === type);
  }
}
