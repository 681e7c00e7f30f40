import type { Caller } from "./operation.ts";

/** What to say to whoever called, a hint above all: a person types a command, a model calls a tool. */
export const hintFor = ({ face }: Pick<Caller, "face">, step: { command: string; tool: string }): string =>
  face === "mcp" ? step.tool : step.command;
