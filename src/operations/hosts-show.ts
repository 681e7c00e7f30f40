import * as v from "valibot";
import { defineOperation } from "../core/operation.ts";
import { dialFields, dialRequest, destination as name } from "./fields.ts";
import { described, describedText, descriptionFields } from "./host-fields.ts";

const description = `Show what holds for a host: every option under the name and with the value that ssh -G gives, where it is said (file and line, or the command line), and what is known to ssh and not acted on here.
It connects to nothing. Options without a place are defaults; those that are not acted on are left out of the text while they are defaults, and of --json never.`;

export const hostsShow = defineOperation({
  name: "hosts-show",
  command: "hosts show",
  tool: "ssh_hosts_show",
  faces: ["cli"],
  title: "Show what ssh_config says of a host",
  description,
  advice: "",
  effect: "read",
  idempotent: true,
  remote: false,
  input: v.strictObject({ name, ...dialFields }),
  output: v.object(descriptionFields),
  validate: () => [],
  positionals: ["name"],
  rest: null,
  durations: [],
  target: null,
  streams: "none",
  cliOnly: [],
  run: async (input, context) =>
    described(await context.hosts.describe(dialRequest(input.name, input, undefined), context), () => true),
  render: describedText,
});
