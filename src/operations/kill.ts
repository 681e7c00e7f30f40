import * as v from "valibot";
import { type StopResult, stopResults } from "../core/command.ts";
import { defineOperation } from "../core/operation.ts";

const description = `Stop calls that run now, whoever made them, an agent's too: the ids are those of ls --running.
Each is stopped on the server with all it started, by INT, TERM and KILL, and the answer comes when it is over and says how far that got; whoever made the call is told who ended it. Its session stays. When an id is not running, nothing is stopped.
The status is 1 when a stop could not be confirmed, nor its signals be delivered.`;

export const kill = defineOperation({
  name: "kill",
  command: "kill",
  tool: "ssh_kill",
  faces: ["cli"],
  title: "Stop calls that run now",
  description,
  advice: "",
  effect: "destructive",
  idempotent: false,
  remote: false,
  input: v.strictObject({
    calls: v.pipe(
      v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(64))),
      v.minLength(1),
      v.maxLength(256),
      v.description("Ids of the calls, as c12"),
    ),
  }),
  output: v.object({
    killed: v.pipe(
      v.array(
        v.object({
          id: v.pipe(v.string(), v.description("The call's id")),
          session: v.pipe(v.string(), v.description("Name of the session it ran on")),
          stopped: v.pipe(
            v.nullable(v.picklist(stopResults)),
            v.description(
              "How far the stop got: nothing of it is left, it was signaled and ended its output, or neither; null when nothing of it had begun on the server, or it ended by itself",
            ),
          ),
        }),
      ),
      v.description("One entry per call, in the order of the ids"),
    ),
  }),
  validate: () => [],
  positionals: [],
  rest: "calls",
  durations: [],
  target: null,
  streams: "none",
  cliOnly: [],
  run: async (input, { sessions, caller }) => ({ killed: await sessions.kill(input.calls, caller) }),
  render: ({ killed }) => killed.map(line).join("\n"),
  succeeded: ({ killed }) => killed.every(({ stopped }) => stopped !== "unconfirmed"),
});

const line = ({ id, session, stopped }: { id: string; session: string; stopped: StopResult | null }): string =>
  stopped === null
    ? `${id} on ${session} is over: there was nothing to stop`
    : `${id} on ${session} stopped: ${stopped}`;
