/** What a client may say, checked before anything looks at it. */
import * as v from "valibot";
import { SshMcpError } from "../../core/errors.ts";
import { describeIssues, issuesOf } from "./issues.ts";
import { type ClientMessage, captureLimit, type Hello } from "./protocol.ts";

/**
 * Compiles only for a schema that accepts exactly `T`: a field that one of the two lacks is an error here, not a
 * surprise on the wire.
 */
const exactly =
  <T>() =>
  <S extends v.GenericSchema<T, T>>(schema: [T] extends [v.InferOutput<S>] ? S : never): S =>
    schema;

/** Not strict: a client of another major version is answered by its number, whatever else it says. */
const hello = exactly<Hello>()(
  v.object({
    kind: v.literal("hello"),
    protocol: v.number(),
    release: v.string(),
    place: v.string(),
    stop: v.boolean(),
  }),
);

const caller = v.strictObject({
  face: v.picklist(["cli", "mcp"]),
  client: v.string(),
  cwd: v.string(),
  agentSocket: v.nullable(v.string()),
  locale: v.exactOptional(v.record(v.string(), v.string())),
});

const dimension = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));

const clientMessage = exactly<ClientMessage>()(
  v.variant("kind", [
    hello,
    v.strictObject({
      kind: v.literal("request"),
      operation: v.string(),
      input: v.unknown(),
      caller,
      capture: v.nullable(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(captureLimit))),
      progress: v.boolean(),
      asks: v.boolean(),
    }),
    v.strictObject({ kind: v.literal("cancel") }),
    v.strictObject({
      kind: v.literal("answer"),
      prompt: v.pipe(v.number(), v.safeInteger()),
      value: v.nullable(v.string()),
    }),
    v.strictObject({
      kind: v.literal("variables"),
      request: v.pipe(v.number(), v.safeInteger()),
      values: v.record(v.string(), v.string()),
    }),
    v.strictObject({
      kind: v.literal("terminal"),
      terminal: v.nullable(v.strictObject({ type: v.string(), columns: dimension, rows: dimension })),
    }),
    v.strictObject({ kind: v.literal("resize"), columns: dimension, rows: dimension }),
    v.strictObject({ kind: v.literal("status") }),
  ]),
);

/** @throws SshMcpError PROTOCOL_ERROR when it is no message of this protocol */
export const parseClientMessage = (value: unknown): ClientMessage => {
  const parsed = v.safeParse(clientMessage, value);
  if (parsed.success) return parsed.output;
  throw new SshMcpError("PROTOCOL_ERROR", `the broker got a message it does not know: ${describe(parsed.issues)}`, {
    hint: "ssh-mcp broker restart",
  });
};

const describe = (issues: readonly v.BaseIssue<unknown>[]): string => describeIssues(issuesOf(issues));
