/** New keys after so many bytes, or so much time (RFC 4253, section 9; ssh_config(5), RekeyLimit). */
import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { watchKeys } from "./ssh2-key-exchange.ts";

/** Null is the default. 0 milliseconds is never. */
export interface RekeyLimit {
  bytes: number | null;
  ms: number | null;
}

const defaultBytes = 1024 ** 3;
const defaultMs = 60 * 60 * 1000;
/** Below the number of packets after which counters would repeat, and of blocks that one AES key is good for (RFC 4344, section 3). */
const mostBytes = 64 * 1024 ** 3;
const longestTimer = 2 ** 31 - 1;

/**
 * Begins a key exchange whenever either direction has carried its bytes, or the time is over. A server that begins one starts the count anew.
 * To be called at once after `connect`.
 * @returns allows it: before the login is through no server has to expect one
 */
export const rekeyRegularly = (client: Client, socket: Duplex, limit: RekeyLimit): (() => void) => {
  const bytes = Math.min(limit.bytes ?? defaultBytes, mostBytes);
  const ms = Math.min(limit.ms ?? defaultMs, longestTimer);
  let allowed = false;
  let due = false;
  let planned = false;
  let sent = 0;
  let received = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onNewKeys = (): void => {
    due = false;
    sent = 0;
    received = 0;
    clearTimeout(timer);
    if (ms > 0) timer = setTimeout(plan, ms).unref();
  };
  const plan = (): void => {
    due = true;
    if (planned || !allowed) return;
    planned = true;
    // Not in the middle of a packet: what counts may be called by what writes.
    setImmediate(() => {
      planned = false;
      if (due) rekey();
    });
  };
  const onSent = (size: number): void => {
    sent += size;
    if (sent > bytes) plan();
  };
  const rekey = watchKeys(client, onSent, onNewKeys);
  socket.on("data", (chunk: Uint8Array) => {
    received += chunk.length;
    if (received > bytes) plan();
  });
  socket.once("close", () => clearTimeout(timer));
  return () => {
    allowed = true;
    if (due) plan();
  };
};
