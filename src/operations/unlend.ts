import * as v from "valibot";
import { defineOperation } from "../core/operation.ts";
import { setLent, targets } from "./lending.ts";

const description = `Take sessions back from every agent. What agents run on them now is stopped.
A session that an agent opened itself becomes yours: it can neither see nor use it any more.`;

export const unlend = defineOperation({
  name: "unlend",
  command: "unlend",
  tool: "ssh_unlend",
  faces: ["cli"],
  title: "Take SSH sessions back from agents",
  description,
  advice: "",
  effect: "destructive",
  idempotent: true,
  remote: false,
  input: v.strictObject({ targets }),
  output: v.object({
    unlent: v.pipe(v.array(v.string()), v.description("Names of the sessions that are not lent any more")),
  }),
  validate: () => [],
  positionals: [],
  rest: "targets",
  durations: [],
  target: "targets",
  streams: "none",
  cliOnly: [],
  run: async (input, context) => ({ unlent: await setLent(input.targets, false, context) }),
  render: ({ unlent }) => `took back ${unlent.join(", ")}`,
});
