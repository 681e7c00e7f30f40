import * as v from "valibot";
import { defineOperation } from "../core/operation.ts";
import { setLent, targets } from "./lending.ts";

const description = `Lend sessions to agents: the MCP clients of this user see them, run commands on them and may close them.
A session of ssh_connect is lent from the start, unless it is opened with --private; one that ssh_exec opened by itself is private until it is lent, or opened by ssh_connect.`;

export const lend = defineOperation({
  name: "lend",
  command: "lend",
  tool: "ssh_lend",
  faces: ["cli"],
  title: "Lend SSH sessions to agents",
  description,
  advice: "",
  effect: "write",
  idempotent: true,
  remote: false,
  input: v.strictObject({ targets }),
  output: v.object({ lent: v.pipe(v.array(v.string()), v.description("Names of the sessions agents may use now")) }),
  validate: () => [],
  positionals: [],
  rest: "targets",
  durations: [],
  target: "targets",
  streams: "none",
  cliOnly: [],
  run: async (input, context) => ({ lent: await setLent(input.targets, true, context) }),
  render: ({ lent }) => `lent ${lent.join(", ")}`,
});
