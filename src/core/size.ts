import { SshMcpError } from "./errors.ts";
import { shown } from "./escape.ts";

const prefixes: readonly string[] = ["", "K", "M", "G", "T", "P"];

/**
 * Reads a number of bytes as GNU tools do: `16k`, `16Ki` and `16KiB` are binary multiples, `16kB`
 * decimal ones; K M G T P, in either case, with at most one space before them. (docker takes `kB` for
 * binary, too; dd, head and split do not.)
 * @returns whole bytes, rounded when a fraction of a multiple is not whole; at most 2^53-1
 * @throws SshMcpError INVALID_INPUT for anything else, a fraction of a byte among it
 */
export const parseSize = (text: string): number => {
  const [, number, prefix = "", suffix = ""] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(ib?|b|)$/i.exec(text) ?? [];
  if (number === undefined || (prefix === "" && /^i/i.test(suffix))) throw notASize(text);
  const base = suffix.toLowerCase() === "b" ? 1000 : 1024;
  const power = prefixes.indexOf(prefix.toUpperCase());
  if (power === 0 && number.includes(".")) throw notASize(text);
  const bytes = Math.round(Number(number) * base ** power);
  if (!Number.isSafeInteger(bytes)) {
    throw new SshMcpError("INVALID_INPUT", `the size ${shown(text)} is too large to count`, {
      hint: "give 8000T or less",
    });
  }
  return bytes;
};

const notASize = (text: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", `${shown(text)} is not a size`, {
    hint: "give bytes (16384), binary multiples (16k, 16KiB, 1M) or decimal ones (16kB, 1MB)",
  });

/**
 * A size for people in binary multiples, with one decimal below 10: `512 B`, `1.5 KiB`, `16 KiB`. `parseSize` reads it.
 */
export const formatSize = (bytes: number): string => {
  let value = bytes;
  let power = 0;
  // The rounded value decides, so that 1023.99 KiB becomes 1 MiB and not 1024 KiB.
  while (rounded(value, power) >= 1024 && power < prefixes.length - 1) {
    value /= 1024;
    power++;
  }
  return `${rounded(value, power)} ${prefixes[power]}${power === 0 ? "B" : "iB"}`;
};

const rounded = (value: number, power: number): number => Number(value.toFixed(power > 0 && value < 10 ? 1 : 0));
