import * as v from "valibot";
import { defineOperation } from "../core/operation.ts";

const description =
  "Close SSH sessions and stop the commands on them; returns the names that were closed. A name that there is not is no error.";

const manual = "Give the names, as ls lists them, or --all. Their names are free again.";

const advice = "Give targets or all. To stop one command, cancel its call.";

export const close = defineOperation({
  name: "close",
  command: "close",
  tool: "ssh_disconnect",
  faces: ["cli", "mcp"],
  title: "Close SSH sessions",
  description,
  manual,
  brief: { targets: "Names or @groups", all: "" },
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
