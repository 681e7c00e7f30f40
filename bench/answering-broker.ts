/** A broker that answers every request at once, in this process: a client that talks to it waits for nothing but itself. */

import { decodeJson, FrameReader, frameType } from "../src/broker/wire/frame.ts";
import { encodeControl, protocolVersion, type Transport } from "../src/broker/wire/protocol.ts";
import { listenOnSocket } from "../src/broker/wire/socket-transport.ts";
import { release } from "../src/core/version.ts";
import { brokerPlace, makeBrokerPlace } from "../src/files/broker-place.ts";
import type { Base } from "./broker.ts";

/** What the broker says of `true`. */
const result = {
  target: "near",
  stdout: null,
  stderr: null,
  exitCode: 0,
  signal: null,
  outcome: "exited",
  durationMs: 1,
  stdoutBytes: 0,
  stderrBytes: 0,
  truncated: false,
  outputId: null,
  stopped: null,
};

/** Listens where the clients of a base directory look for their broker. */
export const answerAtOnce = ({ env }: Base): Disposable => {
  const place = brokerPlace(env);
  makeBrokerPlace(place);
  const listening = listenOnSocket(place.socket, serve);
  return { [Symbol.dispose]: () => listening.stop() };
};

const serve = (transport: Transport): void => {
  const reader = new FrameReader();
  transport.onData = (bytes) =>
    reader.push(bytes, ({ type, call, payload }) => {
      if (type !== frameType.control) return;
      const message: unknown = decodeJson(payload);
      if (typeof message !== "object" || message === null || !("kind" in message)) return;
      if (message.kind === "hello") {
        transport.write(encodeControl(0, { kind: "welcome", protocol: protocolVersion, release, pid: process.pid }));
      }
      if (message.kind !== "request") return;
      transport.write(encodeControl(call, { kind: "accepted" }));
      transport.write(encodeControl(call, { kind: "result", value: result, chunked: false }));
    });
};
