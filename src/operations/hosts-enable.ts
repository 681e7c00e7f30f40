import * as v from "valibot";
import { defineOperation } from "../core/operation.ts";
import { changeOutput, changeText, hostName } from "./host-fields.ts";

const description = `Enable a host that an agent proposed, or its change of one: from then on the name connects so, for everybody who reads ~/.ssh-mcp/ssh_config.
To see before what it would do, use hosts show; to refuse it, hosts rm. It can name a host, user, port, key files and jump hosts, and nothing else.`;

export const hostsEnable = defineOperation({
  name: "hosts-enable",
  command: "hosts enable",
  tool: "ssh_hosts_enable",
  faces: ["cli"],
  title: "Enable a host that an agent proposed",
  description,
  advice: "",
  effect: "write",
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
    const { name, file, entry } = await context.hosts.enable(input.name, context);
    return { name, file, entry };
  },
  render: (change) => changeText("enabled", change),
});
