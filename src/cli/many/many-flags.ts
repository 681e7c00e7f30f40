/** Flags of a command that runs on several hosts at once. */
import type { Flag } from "../flag.ts";

export interface ManyOptions {
  /** Null for the usual number. */
  parallel: number | null;
  /** Identical outputs together. */
  fold: boolean;
  /** Begin nothing after the first failure, and stop what runs. */
  failFast: boolean;
  /** Folder for a file of each output; null for none. */
  outdir: string | null;
}

export const noManyOptions: ManyOptions = { parallel: null, fold: false, failFast: false, outdir: null };

/** Hosts at once unless the person says otherwise. */
export const usualParallel = 32;
/** As many as the broker runs for one client, less what else that may want. */
export const mostParallel = 250;

const flag = (option: keyof ManyOptions, name: string, kind: Flag["kind"], description: string): Flag => ({
  ...{ for: { option }, name, letter: null, kind, repeats: false, choices: null, description },
});

export const manyFlags: readonly Flag[] = [
  flag(
    "parallel",
    "parallel",
    "number",
    `Of several hosts, how many at once (default ${usualParallel}, at most ${mostParallel})`,
  ),
  flag("fold", "fold", "boolean", "Of several hosts, show those with the same output together, at the end"),
  flag("failFast", "fail-fast", "boolean", "Of several hosts, stop all at the first failure, and begin no further one"),
  flag(
    "outdir",
    "outdir",
    "text",
    "Of several hosts, write the output of each to HOST.out and HOST.err in this folder",
  ),
];
