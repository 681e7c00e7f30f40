import * as v from "valibot";
import { escapeLine } from "../core/escape.ts";
import { defineOperation } from "../core/operation.ts";

const description = `Make the files of ssh-mcp that are not there yet: config.toml with every setting as a comment, and an empty ssh_config for hosts add. Nothing is overwritten.
It also says the line of ~/.ssh/config by which plain ssh knows the same hosts.`;

export const init = defineOperation({
  name: "init",
  command: "init",
  tool: "ssh_init",
  faces: ["cli"],
  title: "Make the configuration files",
  description,
  advice: "",
  effect: "write",
  idempotent: true,
  remote: false,
  input: v.strictObject({}),
  output: v.object({
    created: v.pipe(v.array(v.string()), v.description("Files that were made")),
    kept: v.pipe(v.array(v.string()), v.description("Files that were there")),
    include: v.pipe(v.string(), v.description("Line for the end of ~/.ssh/config, below a Match all")),
    included: v.pipe(v.boolean(), v.description("Whether that line is there")),
  }),
  validate: () => [],
  positionals: [],
  rest: null,
  durations: [],
  target: null,
  streams: "none",
  cliOnly: [],
  run: async (_, context) => {
    const { created, kept, include, included } = await context.hosts.initialize(context);
    return { created: [...created], kept: [...kept], include, included };
  },
  render: ({ created, kept, include, included }) =>
    [
      ...created.map((file) => `made ${escapeLine(file)}`),
      ...kept.map((file) => `${escapeLine(file)} is there, and stays as it is`),
      ...(included
        ? []
        : [
            "for plain ssh to know the same hosts, write this at the end of ~/.ssh/config:",
            "  Match all",
            `  ${escapeLine(include)}`,
          ]),
    ].join("\n"),
});
