/** A command line as it would be typed for one of its hosts alone. */
import { mayRepeat } from "../said.ts";
import type { Run, Several } from "./several.ts";

/** @throws SshMcpError USAGE for options that say one thing twice, for this host */
export const forTarget = async (run: Run, { field }: Several, target: string): Promise<Run> => {
  const said = run.said.map((one) => (one.field === field ? { field, value: target } : one));
  const one = { ...run, input: { ...run.input, [field]: target }, said };
  if (!mayRepeat(said)) return one;
  const { firstSaid } = await import("../first-said.ts");
  return { ...one, input: { ...firstSaid(run.command, one.input, said) } };
};
