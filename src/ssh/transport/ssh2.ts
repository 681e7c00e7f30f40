/**
 * The part of ssh2 1.17.0 that its public interface does not reach, typed and in one place. ssh2 is pinned to that
 * version; the tests of this folder run against real servers and fail when an internal moves. Why each is needed:
 * - `_remoteVer`: Dropbear closes a channel that waits, see ChannelPool
 * - `_protocol.directTcpip`, `_write`: to carry a connection through a jump host with a window, and an end, that are exact
 * - `_chanMgr`, `_protocol.session`: to open a session channel ahead of need, so that a command costs one round trip
 * - `_protocol.exec/subsystem/env/signal`, `_callbacks`: to pipeline requests, and to signal after our side's EOF
 * - `_agent`, `_agentFwdEnabled`, `_protocol.openssh_agentForward`: to forward the agent of whoever runs a command, not one for the connection
 * - `_client`, `_waitWindow`, `outgoing.window`, `_protocol.channelData`: to send a command's program with its request
 * - `push`: to account the window by what was consumed
 * - `_protocol._handlers`: to notice a peer that overruns a window
 */
import type { Duplex } from "node:stream";
import type { Client } from "ssh2";
import { SshMcpError } from "../../core/errors.ts";

export interface Ssh2Protocol {
  session(localId: number, window: number, maxPacket: number): void;
  directTcpip(
    localId: number,
    window: number,
    maxPacket: number,
    way: { srcIP: string; srcPort: number; dstIP: string; dstPort: number },
  ): void;
  exec(remoteId: number, command: string, wantReply: boolean): void;
  subsystem(remoteId: number, name: string, wantReply: boolean): void;
  env(remoteId: number, name: string, value: string, wantReply: boolean): void;
  openssh_agentForward(remoteId: number, wantReply: boolean): void;
  pty(
    remoteId: number,
    rows: number,
    columns: number,
    height: number,
    width: number,
    type: string,
    modes: Buffer | null,
    wantReply: boolean,
  ): void;
  windowChange(remoteId: number, rows: number, columns: number, height: number, width: number): void;
  signal(remoteId: number, name: string): void;
  channelWindowAdjust(remoteId: number, bytes: number): void;
  channelData(remoteId: number, data: Uint8Array): void;
  ping(): void;
  _handlers: Record<string, ((...args: unknown[]) => void) | undefined>;
}

export interface Ssh2Channel {
  push(chunk: Buffer | null): boolean;
  write(chunk: Uint8Array, done: (error?: Error | null) => void): boolean;
  /** Sends what the peer's window takes, keeps the rest, and calls back when all of it went out. One at a time. */
  _write(chunk: Uint8Array, encoding: null, done: (error?: Error | null) => void): void;
  eof(): void;
  close(): void;
  on(event: "exit", listener: (code: number | null, signal?: string) => void): void;
  on(event: "error", listener: (error: Error) => void): void;
  stderr: { push(chunk: Buffer | null): boolean; on(event: "error", listener: (error: Error) => void): void };
  incoming: { window: number; state: string };
  outgoing: { id: number; state: string; packetSize: number; window: number };
  /** Whether a write waits for the peer's window. */
  _waitWindow: boolean | undefined;
  _client: Client;
  _callbacks: ((failed: boolean | Error) => void)[];
}

type ChannelWaiter = ((error: Error | undefined, channel: Ssh2Channel) => void) & { type?: string };

interface Ssh2Internals {
  _protocol: Ssh2Protocol;
  _chanMgr: { add(waiter: ChannelWaiter): number; get(id: number): Ssh2Channel | ChannelWaiter | undefined };
  /** Software version of the server's identification string (RFC 4253, section 4.2). */
  _remoteVer: string | undefined;
  /** Replies to global requests come in order; each request has one entry. */
  _callbacks: ((failed: boolean | Error, data?: Buffer) => void)[];
}

/** The window ssh2 announces for a channel it opens; its accounting starts there. */
export const initialWindow = 2 * 1024 * 1024;
const maxPacket = 32 * 1024;
/**
 * Bytes of data in a packet of ours, which fits with all that is put around it into one packet of a jump host's connection, and that one into the
 * next: cut into a large and a tiny one at every hop, uploads through two were four times as slow.
 */
const roomyPacket = 31 * 1024;

const internals = (client: Client): Ssh2Internals => client as unknown as Ssh2Internals;

export const protocolOf = (client: Client): Ssh2Protocol => internals(client)._protocol;

/** The server's software, as its identification string has it: `OpenSSH_9.2p1`; untrusted. */
export const softwareOf = (client: Client): string => internals(client)._remoteVer ?? "";

/**
 * Whether a session channel without a window gets one by its request for a command or a subsystem. OpenSSH opens it while it handles that, before it reads on, and
 * says so when the answer is due (session.c, session_set_fds; 2 MiB): what follows the request arrives in time.
 */
export const opensWindowByExec = ({ _client }: Ssh2Channel): boolean => /^OpenSSH_\d/.test(softwareOf(_client));

/**
 * Tells when the key that logs in allows one command of the server's alone (sshd(8), `command=`): OpenSSH says so in a debug message
 * (RFC 4253, section 11.3) that lists the key's options by name. Takes the place of who listened before.
 */
export const onForcedCommand = (client: Client, listen: () => void): void => {
  protocolOf(client)._handlers["DEBUG"] = (_protocol, _display, text) => {
    if (/key options:.*\bcommand\b/.test(String(text))) listen();
  };
};

/**
 * Reports the first data that a peer sends beyond a channel's window (RFC 4254, section 5.2). ssh2 itself takes it,
 * without limit, or drops it without a word when the window is exactly used up.
 */
export const guardWindows = (client: Client, onViolation: () => void): void => {
  const { _chanMgr, _protocol } = internals(client);
  for (const type of ["CHANNEL_DATA", "CHANNEL_EXTENDED_DATA"]) {
    const handle = _protocol._handlers[type];
    _protocol._handlers[type] = (protocol, recipient, data, ...rest) => {
      const channel = _chanMgr.get(recipient as number);
      const beyond = typeof channel === "object" && (data as Buffer).length > channel.incoming.window;
      if (beyond) onViolation();
      else handle?.(protocol, recipient, data, ...rest);
    };
  }
};

/** RFC 4254, section 5.1: why a channel was not opened; the text is the server's. */
export class ChannelOpenFailure extends Error {
  /** Reason code of the server, or null when the connection ended instead. */
  readonly reason: number | null;
  constructor(message: string, reason: number | null) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Opens a session channel without requesting anything on it (RFC 4254, section 6.1).
 * @param wrap takes the channel in the moment it opens: its close may come with the same packet
 * @throws ChannelOpenFailure when the server refuses or the connection ends; what `wrap` throws
 */
export const openSessionChannel = <T>(client: Client, wrap: (channel: Ssh2Channel) => T): Promise<T> =>
  openChannel(
    client,
    "session",
    (protocol, id) => protocol.session(id, initialWindow, maxPacket),
    (channel) => {
      channel.outgoing.packetSize = Math.min(channel.outgoing.packetSize, roomyPacket);
      return wrap(channel);
    },
  );

/** What ssh(1) says of itself as the origin of such a channel: there is no connection here that it continues. */
const originator = { srcIP: "127.0.0.1", srcPort: 65535 };

/**
 * Opens a channel to a host and port that the server connects to (RFC 4254, section 7.2).
 * @param window bytes that the peer may send ahead
 * @param wrap as for `openSessionChannel`
 * @throws ChannelOpenFailure as `openSessionChannel`; what `wrap` throws
 */
export const openTcpChannel = <T>(
  client: Client,
  to: { host: string; port: number },
  window: number,
  wrap: (channel: Ssh2Channel) => T,
): Promise<T> => {
  const request = { ...originator, dstIP: to.host, dstPort: to.port };
  return openChannel(
    client,
    "direct-tcpip",
    (protocol, id) => protocol.directTcpip(id, window, maxPacket, request),
    (channel) => {
      // ssh2 takes its own for granted.
      channel.incoming.window = window;
      return wrap(channel);
    },
  );
};

const openChannel = <T>(
  client: Client,
  type: string,
  send: (protocol: Ssh2Protocol, id: number) => void,
  wrap: (channel: Ssh2Channel) => T,
): Promise<T> =>
  new Promise((resolve, reject) => {
    const waiter: ChannelWaiter = (error, channel) => {
      if (error === undefined) {
        try {
          resolve(wrap(channel));
        } catch (cause) {
          reject(cause);
        }
        return;
      }
      const { reason } = error as { reason?: unknown };
      reject(new ChannelOpenFailure(error.message, typeof reason === "number" ? reason : null));
    };
    waiter.type = type;
    const id = internals(client)._chanMgr.add(waiter);
    if (id === -1) return reject(new ChannelOpenFailure("no free channel number", null));
    try {
      send(protocolOf(client), id);
    } catch (cause) {
      reject(new ChannelOpenFailure(cause instanceof Error ? cause.message : String(cause), null));
    }
  });

/**
 * One keepalive round trip: a global request that every server answers, if only with a failure (RFC 4254, section 4).
 * @throws SshMcpError CONNECTION_LOST when the connection ends instead
 */
export const ping = (client: Client): Promise<void> =>
  new Promise((resolve, reject) => {
    const lost = (cause?: unknown): void =>
      reject(new SshMcpError("CONNECTION_LOST", "the connection ended while it was being checked", { cause }));
    internals(client)._callbacks.push((failed) => (failed instanceof Error ? lost(failed) : resolve()));
    try {
      protocolOf(client).ping();
    } catch (cause) {
      lost(cause);
    }
  });

/**
 * Answers the channels that a server opens to reach a forwarded agent (`auth-agent@openssh.com`, draft-miller-ssh-agent, section 4.2): what is
 * not answered is refused, and so is everything before this is called.
 */
export const onAgentChannel = (client: Client, open: () => Promise<Duplex>): void => {
  const getStream = (deliver: (error: Error | null, stream?: Duplex) => void): void => {
    open().then(
      (stream) => deliver(null, stream),
      (error: Error) => deliver(error),
    );
  };
  Object.assign(internals(client), { _agent: { getStream }, _agentFwdEnabled: true });
};
