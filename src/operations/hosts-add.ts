import * as v from "valibot";
import { defineOperation } from "../core/operation.ts";
import { changeOutput, changeText, entryFields, fieldsOf, hostName, says } from "./host-fields.ts";

const description =
  "Add a host to ~/.ssh-mcp/ssh_config, under a name of its own: one of ~/.ssh/config is refused (ALREADY_EXISTS).";

const manual =
  "From an agent it is a proposal, of a new host or of a change to one of that file, without effect until it is enabled.";

const advice = "Only when asked to remember a server. It is a proposal: the user enables it by the command in enable.";

export const hostsAdd = defineOperation({
  name: "hosts-add",
  command: "hosts add",
  tool: "ssh_host_add",
  faces: ["cli", "mcp"],
  title: "Add a host",
  description,
  manual,
  brief: { name: "", host: "Default: the name", user: "", port: "", identityFile: "", jump: "[user@]host[:port],…" },
  advice,
  effect: "write",
  idempotent: false,
  remote: false,
  input: v.strictObject({ name: hostName, ...entryFields }),
  output: v.object({
    ...changeOutput,
    enable: v.pipe(v.nullable(v.string()), v.description("Command that enables it; null when enabled")),
  }),
  validate: (input) =>
    says(input) ? [] : [{ field: "", message: "give at least one of {host}, {user}, {port}, {identityFile}, {jump}" }],
  positionals: ["name"],
  rest: null,
  durations: [],
  target: null,
  streams: "none",
  cliOnly: ["set", "label", "group"],
  run: async (input, context) => context.hosts.add(input.name, fieldsOf(input), context),
  render: (change) =>
    change.enable === null
      ? changeText("added", change)
      : `${changeText("proposed", change)}\nnot enabled: a person runs ${change.enable}`,
});
