/** The first words of a client: its hello, and its requests. */
import { release } from "../../core/version.ts";
import { encodeControl, protocolVersion, type Request } from "./protocol.ts";

/** @param place and `stop` as in `Hello` */
export const encodeHello = ({ place, stop }: { place: string; stop: boolean }): Uint8Array =>
  encodeControl(0, { kind: "hello", protocol: protocolVersion, release, place, stop });

/** @throws SshMcpError TOO_LARGE when the input does not fit a frame */
export const encodeRequest = (call: number, request: Omit<Request, "kind">): Uint8Array =>
  encodeControl(call, { kind: "request", ...request });
