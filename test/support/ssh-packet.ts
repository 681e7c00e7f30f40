/**
 * Messages that ssh2's server has no method for, and sockets it does not show: what a hostile server needs. The only
 * file of the tests that reaches into ssh2.
 */
import type { Socket } from "node:net";
import type { Connection, ServerChannel } from "ssh2";

interface Internals {
  _sock: Socket;
  _protocol: {
    _kexinit: unknown;
    _cipher: { encrypt(packet: Buffer): void };
    _packetRW: { write: { allocStart: number; alloc(length: number): Buffer; finalize(packet: Buffer): Buffer } };
    channelOpenConfirm(remote: number, local: number, window: number, packetSize: number): void;
  };
}

const internals = (connection: Connection): Internals => connection as unknown as Internals;

export const socketOf = (connection: Connection): Socket => internals(connection)._sock;

/** The peer's number of a channel, which every message to it carries. */
export const peerChannel = (channel: ServerChannel): number =>
  (channel as unknown as { outgoing: { id: number } }).outgoing.id;

/** Announces channels with this window and packet size; ssh2 has them fixed. */
export const announceChannels = (connection: Connection, window: number, packetSize: number): void => {
  const protocol = internals(connection)._protocol;
  const confirm = protocol.channelOpenConfirm.bind(protocol);
  protocol.channelOpenConfirm = (remote, local) => confirm(remote, local, window, packetSize);
};

/** Message numbers: RFC 4250, section 4.1.2. */
export const message = {
  ignore: 2,
  banner: 53,
  windowAdjust: 93,
  data: 94,
  extendedData: 95,
  eof: 96,
  close: 97,
} as const;

/**
 * Sends one message, correctly encrypted. Numbers become uint32, texts and bytes strings of the wire (RFC 4251,
 * section 5). Does nothing during a key exchange, when no other message may be sent.
 * @returns whether the socket takes more without queueing
 */
export const sendMessage = (
  connection: Connection,
  type: number,
  ...fields: (number | string | Uint8Array)[]
): boolean => {
  const { _protocol: protocol, _sock: socket } = internals(connection);
  if (protocol._kexinit !== undefined || socket.destroyed) return false;
  const payload = Buffer.concat([Buffer.of(type), ...fields.map(encode)]);
  const { write } = protocol._packetRW;
  const packet = write.alloc(payload.length);
  packet.set(payload, write.allocStart);
  protocol._cipher.encrypt(write.finalize(packet));
  return !socket.writableNeedDrain;
};

/** Sends the same message for as long as the connection lasts, as fast as the client reads. */
export const sendEndlessly = (
  connection: Connection,
  type: number,
  ...fields: (number | string | Uint8Array)[]
): void => {
  const more = () => {
    if (socketOf(connection).destroyed) return;
    for (let sent = 0; sent < 64 && sendMessage(connection, type, ...fields); sent++);
    // The client may live in this very process: it must get its turn.
    setTimeout(more, 1);
  };
  more();
};

const encode = (field: number | string | Uint8Array): Buffer => {
  const length = Buffer.alloc(4);
  if (typeof field === "number") {
    length.writeUInt32BE(field);
    return length;
  }
  const bytes = Buffer.from(field);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
};
