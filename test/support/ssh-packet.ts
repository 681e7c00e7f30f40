/**
 * Messages that ssh2's server has no method for, and sockets it does not show: what a hostile server needs. The only
 * file of the tests that reaches into ssh2.
 */
import type { Socket } from "node:net";
import ssh2, { type Connection, type ServerChannel } from "ssh2";

interface Internals {
  _sock: Socket;
  _protocol: {
    _kexinit: unknown;
    _cipher: { encrypt(packet: Buffer): void };
    _packetRW: { write: { allocStart: number; alloc(length: number): Buffer; finalize(packet: Buffer): Buffer } };
    channelOpenConfirm(remote: number, local: number, window: number, packetSize: number): void;
    _hostKeys: Record<string, unknown>;
    _offer: { lists: { serverHostKey: { array: readonly string[]; buffer: Buffer }; all: Buffer }; totalSize: number };
    _handlers: Record<string, () => void>;
    rekey(): void;
    exitStatus(channel: number, status: number): void;
    channelEOF(channel: number): void;
    channelClose(channel: number): void;
    channelData(channel: number, data: Buffer): void;
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

/** Begins a key exchange (RFC 4253, section 9) in which the server shows another host key of the same type. */
export const rekeyWith = (connection: Connection, privateKey: string): void => {
  const protocol = internals(connection)._protocol;
  const key = ssh2.utils.parseKey(privateKey);
  if (key instanceof Error) throw key;
  protocol._hostKeys = { [key.type]: key };
  protocol.rekey();
};

/**
 * Has the server show a certificate, or what is to pass for one, as its only host key. To be called before the client's first word has come.
 * @param key what signs, whatever the certificate says
 */
export const showCertificate = (
  connection: Connection,
  algorithm: string,
  certificate: Buffer,
  key: ssh2.ParsedKey,
): void => {
  const protocol = internals(connection)._protocol;
  const { type } = key;
  protocol._hostKeys = { [algorithm]: { type, getPublicSSH: () => certificate, sign: key.sign.bind(key) } };
  // The offer is kept once as names and once as bytes: each name-list with its length, the host keys behind the methods.
  const { lists } = protocol._offer;
  const methods = 4 + lists.all.readUInt32BE(0);
  const rest = methods + 4 + lists.serverHostKey.buffer.length;
  const buffer = Buffer.from(algorithm);
  const all = Buffer.concat([lists.all.subarray(0, methods), encode(algorithm), lists.all.subarray(rest)]);
  const offer = Object.create(protocol._offer) as typeof protocol._offer;
  offer.lists = { ...lists, serverHostKey: { array: [algorithm], buffer }, all };
  offer.totalSize = all.length;
  protocol._offer = offer;
};

/** Message numbers: RFC 4250, section 4.1.2. */
export const message = {
  disconnect: 1,
  ignore: 2,
  banner: 53,
  globalRequest: 80,
  windowAdjust: 93,
  data: 94,
  extendedData: 95,
  eof: 96,
  close: 97,
  channelRequest: 98,
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
): boolean => sendPayload(connection, Buffer.concat([Buffer.of(type), ...fields.map(encode)]));

/** Tells all host keys (PROTOCOL of OpenSSH, section 2.5), or whatever is to pass for them. */
export const announceHostKeys = (connection: Connection, blobs: readonly Uint8Array[]): boolean => {
  const name = encode("hostkeys-00@openssh.com");
  return sendPayload(
    connection,
    Buffer.concat([Buffer.of(message.globalRequest), name, Buffer.of(0), ...blobs.map(encode)]),
  );
};

/** Gives no answer to any global request. */
export const ignoreGlobalRequests = (connection: Connection): void => {
  internals(connection)._protocol._handlers["GLOBAL_REQUEST"] = () => undefined;
};

const sendPayload = (connection: Connection, payload: Uint8Array): boolean => {
  const { _protocol: protocol, _sock: socket } = internals(connection);
  if (protocol._kexinit !== undefined || socket.destroyed) return false;
  const { write } = protocol._packetRW;
  const packet = write.alloc(payload.length);
  packet.set(payload, write.allocStart);
  protocol._cipher.encrypt(write.finalize(packet));
  return !socket.writableNeedDrain;
};

/** The messages that end a channel, one by one and in any order: ssh2's own channel knows only the right one. */
export const endOf = (connection: Connection, channel: ServerChannel) => {
  const { _protocol: protocol } = internals(connection);
  const id = peerChannel(channel);
  return {
    status: (status: number) => protocol.exitStatus(id, status),
    // RFC 4254, section 6.10; ssh2 sends no name that it does not know.
    signal: (name: string, coreDumped: boolean) =>
      sendPayload(
        connection,
        Buffer.concat([
          ...[Buffer.of(message.channelRequest), encode(id), encode("exit-signal"), Buffer.of(0)],
          ...[encode(name), Buffer.of(coreDumped ? 1 : 0), encode(""), encode("")],
        ]),
      ),
    data: (text: string) => protocol.channelData(id, Buffer.from(text)),
    eof: () => protocol.channelEOF(id),
    close: () => protocol.channelClose(id),
  };
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
