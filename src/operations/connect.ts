import * as v from "valibot";
import { escapeLine, escapeText, shortened } from "../core/escape.ts";
import { defineOperation } from "../core/operation.ts";
import type { SessionState } from "../core/session.ts";
import { destination, dialFields, dialRequest, sessionFields, timeoutSeconds, timestamp } from "./fields.ts";
import { forPerson, waitField, waitIssues } from "./waiting.ts";

const description =
  "Open a named SSH session to a server, or return the one that is there. A changed host key is refused (HOST_KEY_CHANGED).";

const advice = `For a login with its own name, user, port or key; all tools open a plain destination by themselves.
AUTH_REQUIRED, HOST_KEY_UNKNOWN: a person types the hint in a terminal; then repeat the call, or at once with wait.`;

const longestTtlDays = 30;
const ttlRange = `must be from 0 to ${longestTtlDays} days`;

export const connect = defineOperation({
  name: "connect",
  command: "connect",
  tool: "ssh_connect",
  faces: ["cli", "mcp"],
  title: "Open an SSH session",
  description,
  brief: {
    destination: "ssh_config alias, [user@]host[:port]",
    name: "Default: alias or host",
    title: "",
    ttl: "Idle seconds until it disconnects (900; 0 never)",
    timeout: "Seconds for the login (15)",
    wait: "Seconds to wait for a person",
    user: "",
    port: "",
    identityFile: "",
  },
  advice,
  effect: "write",
  idempotent: true,
  remote: true,
  input: v.strictObject({
    destination,
    name: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, "must be 1 to 64 of a-z 0-9 . _ - and begin with a letter or digit"),
        v.description("Session name (default: the alias or host)"),
      ),
    ),
    title: v.optional(v.pipe(v.string(), v.maxLength(200), v.description("What it is for, shown in lists"))),
    ttl: v.optional(
      v.pipe(
        v.number(),
        v.minValue(0, ttlRange),
        v.maxValue(longestTtlDays * 24 * 60 * 60, ttlRange),
        v.description("Idle seconds until it disconnects; the next use reconnects (default 900, 0 never)"),
      ),
    ),
    timeout: v.optional(timeoutSeconds("Seconds for connecting and login (default 15)")),
    wait: waitField,
    new: v.optional(
      v.pipe(v.boolean(), v.description("Open another session, even though one to the same server is there")),
    ),
    private: v.optional(
      v.pipe(v.boolean(), v.description("Keep it from agents; of a session that is lent, take it back")),
    ),
    ...dialFields,
  }),
  output: v.object({
    ...sessionFields,
    reused: v.pipe(v.boolean(), v.description("True when the session was there before this call")),
    authMethod: v.pipe(v.string(), v.description("Authentication method that succeeded, as RFC 4252 names it")),
    hostKey: v.pipe(v.string(), v.description("Fingerprint of the server's host key, SHA256:…")),
    banner: v.pipe(v.nullable(v.string()), v.description("What the server showed at the login; null for nothing")),
    createdAt: v.pipe(timestamp, v.description("When it was opened, UTC")),
    expiresAt: v.pipe(
      v.nullable(timestamp),
      v.description("When it disconnects unless used; null for never, or when it already did"),
    ),
  }),
  validate: ({ wait }) => waitIssues(wait),
  positionals: ["destination"],
  rest: null,
  durations: ["ttl", "timeout", "wait"],
  target: "destination",
  streams: "none",
  cliOnly: ["new", "private", "jump", "auth", "configFile", "options"],
  run: async (input, context) => {
    context.progress(`opening ${input.destination}`);
    const request = {
      ...dialRequest(input.destination, input, input.timeout),
      name: input.name ?? null,
      title: input.title ?? null,
      ttlMs: input.ttl === undefined ? null : ttlMilliseconds(input.ttl),
      lent: input.private !== true,
      fresh: input.new === true,
    };
    const open = () => context.sessions.open(request, context);
    const opened = await forPerson(request, input.wait, context, open);
    const { info } = opened;
    return {
      name: info.name,
      destination: info.destination,
      host: info.host,
      port: info.port,
      user: info.user,
      state: info.state,
      reused: opened.reused,
      authMethod: opened.authMethod,
      hostKey: opened.hostKey,
      banner: opened.banner,
      title: info.title,
      createdAt: opened.createdAt.toISOString(),
      expiresAt: opened.expiresAt?.toISOString() ?? null,
    };
  },
  render: (session) =>
    [
      `${session.reused ? "reused" : "opened"} ${session.name}: ${session.user}@${session.host} port ${session.port}, ${session.state}`,
      `destination ${escapeLine(session.destination)}, authenticated by ${session.authMethod}, host key ${session.hostKey}`,
      ...(session.title === null ? [] : [`title ${shortened(session.title, 200)}`]),
      `created ${session.createdAt}, ${connection(session)}`,
      ...(session.banner === null ? [] : [`banner:\n${escapeText(session.banner)}`]),
    ].join("\n"),
});

const connection = ({ state, expiresAt }: { state: SessionState; expiresAt: string | null }): string => {
  if (state !== "live") return "disconnected by now: the next use connects";
  return expiresAt === null ? "stays connected" : `disconnects ${expiresAt} unless used`;
};

/** 0 means never: the shortest time to live must not become that. */
const ttlMilliseconds = (seconds: number): number => (seconds === 0 ? 0 : Math.max(1, Math.round(seconds * 1000)));
