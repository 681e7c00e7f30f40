import { parseArgs } from "node:util";

export interface Arguments {
  /** Fewer runs: about a minute instead of five. */
  quick: boolean;
}

/** @throws TypeError that names the word, for anything but `--quick` */
export const readArguments = (words: readonly string[]): Arguments => {
  const { values } = parseArgs({
    args: [...words],
    options: { quick: { type: "boolean", default: false } },
    strict: true,
    allowPositionals: false,
  });
  return { quick: values.quick };
};
