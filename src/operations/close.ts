import * as v from "valibot";
import { defineOperation } from "../core/operation.ts";

const description = `Close SSH sessions: commands still running on them are stopped, and their names are free again.
Give the names (ssh_sessions lists them) or all, not both. Returns the names that were closed; a name that there is not is no error.`;

const advice =
  "To stop one command and keep the session, cancel its ssh_exec call instead. One that a person opened and lent is closed for them too.";

export const close = defineOperation({
  name: "close",
  command: "close",
  tool: "ssh_disconnect",
  faces: ["cli", "mcp"],
  title: "Close SSH sessions",
  description,
  advice,
  effect: "destructive",
  idempotent: true,
  remote: false,
  input: v.strictObject({
    targets: v.optional(
      v.pipe(
        v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(1024))),
        v.maxLength(256),
        v.description("Names of the sessions to close, or @groups"),
      ),
    ),
    all: v.optional(v.pipe(v.boolean(), v.description("Close every session this client may close"))),
  }),
  output: v.object({ closed: v.pipe(v.array(v.string()), v.description("Names of the sessions that were closed")) }),
  validate: ({ targets, all }) => {
    const named = targets !== undefined && targets.length > 0;
    if (named && all === true) return [{ field: "", message: "give {targets} or {all}, not both" }];
    if (!named && all !== true) return [{ field: "", message: "give {targets}, the names of the sessions, or {all}" }];
    return [];
  },
  positionals: [],
  rest: "targets",
  durations: [],
  target: "targets",
  streams: "none",
  cliOnly: [],
  run: async (input, context) => ({
    closed: await context.sessions.close(input.all === true ? "all" : (input.targets ?? []), context.caller),
  }),
  render: ({ closed }) => (closed.length === 0 ? "nothing was open" : `closed ${closed.join(", ")}`),
});
