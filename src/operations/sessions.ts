import * as v from "valibot";
import type { RunningCall } from "../core/command.ts";
import { formatDuration } from "../core/duration.ts";
import { escapeLine, quotedWords } from "../core/escape.ts";
import { type Caller, defineOperation } from "../core/operation.ts";
import type { PendingLogin } from "../core/pending-login.ts";
import { count, sessionFields, timestamp } from "./fields.ts";

const description =
  "List the SSH sessions that can be used now: name, server, state, what runs, who opened them. It connects to nothing.";

const manual = `It shows age, idle time and the time left too, and changes nothing.
For the files on a server: ls TARGET:PATH.`;

const advice = "Yours, and those lent to agents.";

/** Longer ones are scripts: whoever looks what runs needs to recognise it, not to read all of it. */
const longestCommand = 1000;
/** Characters shown of what an agent calls itself, and of what it says a session is for. */
const longestName = 100;
const longestTitle = 200;

const who = (description: string) =>
  v.pipe(
    v.object({
      face: v.pipe(v.picklist(["cli", "mcp"]), v.description("A person's command line (cli) or an agent (mcp)")),
      client: v.pipe(v.string(), v.description("The agent's program and version; cli for a person")),
    }),
    v.description(description),
  );

const row = v.object({
  ...sessionFields,
  running: v.pipe(count, v.description("Calls running on it now")),
  ageMs: v.pipe(count, v.description("Milliseconds since it was opened")),
  idleMs: v.pipe(count, v.description("Milliseconds since it was used")),
  expiresInMs: v.pipe(
    v.nullable(count),
    v.description("Milliseconds until it disconnects unless used; null for never, or when not connected"),
  ),
  openedBy: who("Who opened it"),
  lent: v.pipe(v.boolean(), v.description("Whether agents may use it")),
  needsPerson: v.pipe(v.boolean(), v.description("Whether opening it again takes a person, for a secret")),
  lastOutputId: v.pipe(
    v.nullable(v.string()),
    v.description("Your newest output on it that is kept, of a call that was canceled too; null for none"),
  ),
});

const call = v.object({
  id: v.pipe(v.string(), v.description("The call's own name")),
  session: v.pipe(v.string(), v.description("Name of the session it runs on")),
  command: v.pipe(
    v.nullable(v.string()),
    v.description(`What runs; cut after ${longestCommand} characters; null for an agent when it is not its own`),
  ),
  startedAt: v.pipe(timestamp, v.description("When it began, UTC")),
  by: who("Who runs it"),
});

const waiting = v.object({
  name: v.pipe(v.string(), v.description("Name the session will have")),
  title: sessionFields.title,
  command: v.pipe(v.string(), v.description("What a person types in a terminal")),
  askedAt: v.pipe(timestamp, v.description("When it was asked for, UTC; forgotten 10 minutes later")),
  by: v.pipe(v.string(), v.description("Who asked for it: an agent's program and version, or cli")),
});

export const sessions = defineOperation({
  name: "sessions",
  command: "ls",
  tool: "ssh_sessions",
  faces: ["cli", "mcp"],
  title: "List SSH sessions",
  description,
  manual,
  brief: { running: "What runs on them too" },
  advice,
  effect: "read",
  idempotent: true,
  remote: false,
  input: v.strictObject({
    running: v.optional(
      v.pipe(v.boolean(), v.description("Show what runs on them now: id, session, command, start, and by whom")),
    ),
  }),
  output: v.object({
    sessions: v.pipe(v.array(row), v.description("One entry per session")),
    calls: v.pipe(
      v.nullable(v.array(call)),
      v.description("One entry per call that runs now, the oldest first; null unless asked for"),
    ),
    pending: v.pipe(v.array(waiting), v.description("Logins that wait for a person, the oldest first")),
  }),
  validate: () => [],
  positionals: [],
  rest: null,
  durations: [],
  target: null,
  streams: "none",
  cliOnly: [],
  run: async (input, { sessions, outputs, caller }) => ({
    sessions: sessions.list(caller).map((info) => ({ ...info, lastOutputId: outputs.last(info.name, info.ageMs) })),
    calls: input.running === true ? sessions.calls(caller).map((call) => described(call, caller)) : null,
    pending: sessions.pending.list(caller).map(waitingOf),
  }),
  render: ({ sessions, pending, calls }) =>
    [
      ...(sessions.length === 0 ? ["no sessions"] : sessions.map(line)),
      ...pending.map(pendingLine),
      ...(calls?.length === 0 ? ["nothing runs"] : (calls ?? []).map(callLine)),
    ].join("\n"),
});

type Row = v.InferOutput<typeof row>;
type Call = v.InferOutput<typeof call>;
type Waiting = v.InferOutput<typeof waiting>;

/** A command line may hold a password: an agent sees none but its own. */
const described = ({ id, session, command, startedAt, by }: RunningCall, caller: Caller): Call => ({
  id,
  session,
  command: caller.face === "cli" || (by.face === caller.face && by.client === caller.client) ? cut(command) : null,
  startedAt: startedAt.toISOString(),
  by,
});

const cut = (command: string): string =>
  command.length > longestCommand ? `${command.slice(0, longestCommand).replace(/[\ud800-\udbff]$/, "")}…` : command;

const waitingOf = ({ name, title, command, askedAt, by }: PendingLogin): Waiting => ({
  ...{ name, title, command, by: by.client },
  askedAt: askedAt.toISOString(),
});

const pendingLine = ({ name, title, command, by, askedAt }: Waiting): string =>
  [
    `${escapeLine(name)} waits for a person: ${escapeLine(command)}`,
    `asked for at ${askedAt} by ${quotedWords(by, longestName)}`,
    ...(title === null ? [] : [`for ${quotedWords(title, longestTitle)}`]),
  ].join(", ");

/** A client calls itself what it likes. */
const whoOf = ({ face, client }: Row["openedBy"]): string => `${face} ${quotedWords(client, longestName)}`;

const callLine = ({ id, session, command, startedAt, by }: Call): string =>
  `call ${id} on ${session} since ${startedAt}, by ${whoOf(by)}${command === null ? "" : `: ${escapeLine(command)}`}`;

const line = (row: Row): string =>
  [
    `${row.name}: ${row.user}@${row.host} port ${row.port} (${escapeLine(row.destination)}), ${row.state}`,
    `${row.running} running`,
    `age ${formatDuration(row.ageMs)}`,
    `idle ${formatDuration(row.idleMs)}`,
    ...untilIdle(row),
    `opened by ${whoOf(row.openedBy)}`,
    row.lent ? "lent" : "private",
    ...(row.needsPerson ? ["needs a person to reconnect"] : []),
    ...(row.title === null ? [] : [`for ${quotedWords(row.title, longestTitle)}`]),
    ...(row.lastOutputId === null ? [] : [`last output ${row.lastOutputId}`]),
  ].join(", ");

const untilIdle = ({ state, expiresInMs }: Row): string[] => {
  if (expiresInMs !== null) return [`disconnects in ${formatDuration(expiresInMs)} unless used`];
  return state === "live" ? ["stays connected"] : [];
};
