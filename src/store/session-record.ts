/** What is kept of a session on disk: how to reach its server again, and what it is. Never a secret. */
import * as v from "valibot";
import { maxDurationMs } from "../core/duration.ts";
import { isSessionName } from "../core/target.ts";

/**
 * Raised when an older release must not use what a newer one writes. Fields that may be lost are added without: a release
 * that does not know a field passes over it, and leaves it out when it writes the record again.
 */
export const recordVersion = 1;

/** Bytes of the longest record. */
export const recordLimit = 64 * 1024;

const text = v.pipe(v.string(), v.minLength(1), v.maxLength(4096));
const absolutePath = v.pipe(text, v.startsWith("/"));
/** Of a key: also `~` and what ssh_config(5) expands, which mean the same from every folder. */
const keyPath = v.pipe(text, v.regex(/^(\/|~|%d|\$\{)/));
const port = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535));
/** ISO 8601, and a day that exists. */
const timestamp = v.pipe(
  v.string(),
  v.isoTimestamp(),
  v.check((text) => Number.isFinite(Date.parse(text))),
);

/** Strict: another word here might lead to another server. */
const request = v.strictObject({
  destination: text,
  user: v.nullable(text),
  port: v.nullable(port),
  identityFiles: v.pipe(v.array(keyPath), v.maxLength(32), v.readonly()),
  configFile: v.nullable(v.union([v.literal("none"), absolutePath])),
  options: v.pipe(v.array(v.pipe(v.string(), v.maxLength(4096))), v.maxLength(64), v.readonly()),
});

const schema = v.object({
  version: v.literal(recordVersion),
  /** SHA-256 of the session's identity, in hex: the same key, the same server as the same user in the same way. */
  key: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  name: v.pipe(v.string(), v.check(isSessionName, "is not a session name")),
  title: v.nullable(v.pipe(v.string(), v.maxLength(4096))),
  /** What was asked for, with the caller's paths made absolute. */
  request,
  /** Who wrote the request: what is a person's own goes only where a person said. Records that do not say are taken for an agent's. */
  chosenBy: v.optional(v.picklist(["cli", "mcp"]), "mcp"),
  /** What that came to: for `ls`, which must not read ssh_config. A new connection resolves again. */
  resolved: v.strictObject({ host: text, port, user: text }),
  /** What decides beside the host's name which server it is, as SHA-256 in hex: jump hosts, a proxy command. Absent for a plain way. */
  way: v.optional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
  /** The server's host key as `SHA256:…` when the session was opened last: known_hosts decides again on the next dial. */
  hostKey: v.pipe(v.string(), v.regex(/^SHA256:[A-Za-z0-9+/]{43}$/)),
  authMethod: text,
  openedBy: v.object({ face: v.picklist(["cli", "mcp"]), client: v.pipe(v.string(), v.maxLength(4096)) }),
  lent: v.boolean(),
  /** Whether a person asked that agents do not get it; records of before say only that they have it not. */
  keptPrivate: v.optional(v.boolean(), true),
  createdAt: timestamp,
  lastUsedAt: timestamp,
  /** Idle time after which the connection is closed; 0 is never. */
  ttlMs: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(maxDurationMs)),
  needsPerson: v.boolean(),
});

export type SessionRecord = v.InferOutput<typeof schema>;

export type ParsedRecord =
  | { kind: "record"; record: SessionRecord }
  /** Of a later release: to be left as it is. */
  | { kind: "newer" }
  /** `reason` names the first field that is wrong, and no value. */
  | { kind: "corrupt"; reason: string };

/** @param name what the file is called, without `.json`: a record under another name than its own is corrupt */
export const parseRecord = (text: string, name: string): ParsedRecord => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "corrupt", reason: "it is not JSON" };
  }
  if (isNewer(value)) return { kind: "newer" };
  const parsed = v.safeParse(schema, value, { abortEarly: true });
  if (!parsed.success) {
    const [issue] = parsed.issues;
    return { kind: "corrupt", reason: `its ${v.getDotPath(issue) ?? "content"} is not what a record holds` };
  }
  if (parsed.output.name !== name) return { kind: "corrupt", reason: "it holds another session's name" };
  return { kind: "record", record: parsed.output };
};

/** A later version; or a request with more in it than this release knows, which would reach another server without. */
const isNewer = (value: unknown): boolean => {
  const newerVersion = v.object({ version: v.pipe(v.number(), v.integer(), v.gtValue(recordVersion)) });
  const largerRequest = v.object({
    version: v.literal(recordVersion),
    request: v.pipe(
      v.record(v.string(), v.unknown()),
      v.check((found) => Object.keys(found).some((key) => !Object.hasOwn(request.entries, key))),
    ),
  });
  return v.is(v.union([newerVersion, largerRequest]), value);
};
