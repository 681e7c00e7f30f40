import * as v from "valibot";
import { defineOperation } from "../core/operation.ts";
import { changeOutput, changeText, hostName } from "./host-fields.ts";

const description = `Take a host out of ~/.ssh-mcp/ssh_config, and its label and groups out of config.toml. While an agent proposes something of it, that is refused instead, and the host stays.
Hosts of other files stay: the error says where they are. Sessions to it stay open.`;

export const hostsRm = defineOperation({
  name: "hosts-rm",
  command: "hosts rm",
  tool: "ssh_hosts_rm",
  faces: ["cli"],
  title: "Remove a host",
  description,
  advice: "",
  effect: "destructive",
  idempotent: false,
  remote: false,
  input: v.strictObject({ name: hostName }),
  output: v.object(changeOutput),
  validate: () => [],
  positionals: ["name"],
  rest: null,
  durations: [],
  target: null,
  streams: "none",
  cliOnly: [],
  run: async (input, context) => {
    const { name, file, entry } = await context.hosts.remove(input.name, context);
    return { name, file, entry };
  },
  render: (change) => changeText("removed", change),
});
