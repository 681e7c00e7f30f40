import * as v from "valibot";
import { defineOperation } from "../core/operation.ts";
import { changeOutput, changeText, entryFields, fieldsOf, hostName, says } from "./host-fields.ts";

const description = `Change the entry of a host in ~/.ssh-mcp/ssh_config: what is given takes the place of what was said, and the rest stays as it is.
Label and groups are kept in config.toml, for hosts of any file.`;

export const hostsSet = defineOperation({
  name: "hosts-set",
  command: "hosts set",
  tool: "ssh_hosts_set",
  faces: ["cli"],
  title: "Change a host",
  description,
  advice: "",
  effect: "write",
  idempotent: true,
  remote: false,
  input: v.strictObject({
    name: hostName,
    ...entryFields,
    unset: v.optional(
      v.pipe(
        v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(64))),
        v.maxLength(64),
        v.description("Take out: host, user, port, identity-file, jump, label, group, or a keyword"),
      ),
    ),
  }),
  output: v.object(changeOutput),
  validate: (input) =>
    says(input) || (input.unset ?? []).length > 0
      ? []
      : [{ field: "", message: "give what to change, or {unset} and what to take out" }],
  positionals: ["name"],
  rest: null,
  durations: [],
  target: null,
  streams: "none",
  cliOnly: [],
  run: async (input, context) => {
    const { name, file, entry } = await context.hosts.set(input.name, fieldsOf(input), input.unset ?? [], context);
    return { name, file, entry };
  },
  render: (change) => changeText("changed", change),
});
