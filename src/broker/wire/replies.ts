/**
 * What a broker may say, checked by hand: the client is on the warm path and loads no package. The broker is trusted,
 * so a narrow look at what the client uses is enough; fields that a newer release adds are none of its business.
 */
import { SshMcpError } from "../../core/errors.ts";
import type { TransferProgress } from "../../core/files/transfers.ts";
import { malformed } from "./frame.ts";
import type { BrokerMessage, BrokerStatus, FileRequest, PromptMessage, VariablesRequest } from "./protocol.ts";

/** A message as the client reads it: a failure is the error it stands for. */
export type Reply = Exclude<BrokerMessage, { kind: "failure" }> | { kind: "failure"; error: SshMcpError };

/** @returns null for a kind that only a newer release knows. @throws SshMcpError PROTOCOL_ERROR */
export const parseReply = (value: unknown): Reply | null => {
  const message = fieldsOf(value);
  const { kind } = message;
  switch (kind) {
    case "welcome": {
      const { protocol, release, pid } = message;
      if (typeof protocol !== "number" || typeof release !== "string" || typeof pid !== "number") throw wrong(kind);
      return { kind, protocol, release, pid };
    }
    case "accepted":
    case "terminal":
    case "leaving":
      return { kind };
    case "progress": {
      const { elapsedMs, message: text } = message;
      if (typeof elapsedMs !== "number" || typeof text !== "string") throw wrong(kind);
      return { kind, elapsedMs, message: text, transfer: transferOf(message["transfer"]) };
    }
    case "notice": {
      const { message: text } = message;
      if (typeof text !== "string") throw wrong(kind);
      return { kind, message: text };
    }
    case "withdrawn": {
      const { prompt } = message;
      if (typeof prompt !== "number") throw wrong(kind);
      return { kind, prompt };
    }
    case "result": {
      const { value: result, chunked } = message;
      if (typeof chunked !== "boolean") throw wrong(kind);
      return { kind, value: result, chunked };
    }
    case "failure":
      return { kind, error: parseError(message["error"]) };
    default:
      if (typeof kind !== "string") throw wrong("unnamed");
      return null;
  }
};

/** Null for anything else: an older broker says nothing of it. */
const transferOf = (value: unknown): TransferProgress | null => {
  if (typeof value !== "object" || value === null) return null;
  const { bytes, totalBytes, files, totalFiles, path } = fieldsOf(value);
  const number = (amount: unknown): number | null => (typeof amount === "number" ? amount : null);
  if (typeof bytes !== "number" || typeof files !== "number") return null;
  const totals = { totalBytes: number(totalBytes), totalFiles: number(totalFiles) };
  return { bytes, files, ...totals, path: typeof path === "string" ? path : null };
};

/** @throws SshMcpError PROTOCOL_ERROR */
export const parsePrompt = (value: unknown): PromptMessage => {
  const { prompt, kind, text, echo, destination } = fieldsOf(value);
  if (typeof prompt !== "number" || typeof text !== "string") throw wrong("prompt");
  if (typeof echo !== "boolean" || typeof destination !== "string") throw wrong("prompt");
  if (kind !== "password" && kind !== "passphrase" && kind !== "keyboard-interactive" && kind !== "host-key") {
    throw wrong("prompt");
  }
  return { prompt, kind, text, echo, destination };
};

/** @throws SshMcpError PROTOCOL_ERROR */
export const parseVariablesRequest = (value: unknown): VariablesRequest => {
  const { request, names } = fieldsOf(value);
  if (typeof request !== "number") throw wrong("env");
  if (names === null) return { request, names };
  if (!Array.isArray(names)) throw wrong("env");
  if (!names.every((name) => typeof name === "string")) throw wrong("env");
  return { request, names };
};

/** @throws SshMcpError PROTOCOL_ERROR */
export const parseFileRequest = (value: unknown): FileRequest => {
  const { path } = fieldsOf(value);
  if (typeof path !== "string") throw wrong("file");
  return { path };
};

/** @throws SshMcpError PROTOCOL_ERROR */
export const parseStatus = (value: unknown): BrokerStatus => {
  const { version, socket, ...fields } = fieldsOf(value);
  if (typeof version !== "string" || typeof socket !== "string") throw wrong("status");
  const number = (name: string): number => {
    const field = fields[name];
    if (typeof field !== "number") throw wrong("status");
    return field;
  };
  return {
    pid: number("pid"),
    version,
    protocol: number("protocol"),
    socket,
    uptimeMs: number("uptimeMs"),
    sessions: number("sessions"),
    connections: number("connections"),
    clients: number("clients"),
    calls: number("calls"),
  };
};

/**
 * The one line that a new broker says of its start.
 * @returns what keeps it from being there, or null
 * @throws SshMcpError PROTOCOL_ERROR
 */
export const parseStart = (value: unknown): SshMcpError | null => {
  const { ready, error } = fieldsOf(value);
  if (ready !== true && error === undefined) throw wrong("start");
  return ready === true ? null : parseError(error);
};

/** An error as it crosses the border between two processes, either way. @throws SshMcpError PROTOCOL_ERROR */
export const parseError = (value: unknown): SshMcpError => {
  const { code, message, hint, retryable } = fieldsOf(value);
  if (typeof code !== "string" || typeof message !== "string") throw wrong("failure");
  return SshMcpError.fromRecord({
    code,
    message,
    hint: typeof hint === "string" ? hint : null,
    ...(typeof retryable === "boolean" ? { retryable } : {}),
  });
};

const fieldsOf = (value: unknown): Record<string, unknown> => {
  if (typeof value !== "object" || value === null) throw malformed("a message that is not an object");
  return { ...value };
};

const wrong = (kind: string): SshMcpError => malformed(`a message of the wrong shape (${kind})`);
