/** From the text of a flag's value to what the operation takes. Ranges and forms are the operation's schema's to judge. */
import { parseDuration } from "../core/duration.ts";
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import type { Flag } from "./flag.ts";
import { usageError } from "./usage.ts";

/** @throws SshMcpError USAGE */
export const flagValue = (flag: Flag, text: string, help: string): string | number => {
  if (text === "") throw usageError(`--${flag.name} needs a value`, help);
  switch (flag.kind) {
    case "number":
      return numberOf(flag, text, help);
    case "duration":
      return secondsOf(flag, text, help);
    default:
      return choiceOf(flag, text, help);
  }
};

/** Decimal only: `0x16`, `1e3` and ` 22` are numbers to JavaScript, and typing mistakes to everybody else. */
const numberOf = (flag: Flag, text: string, help: string): number => {
  if (!/^-?\d{1,15}(\.\d+)?$/.test(text)) throw usageError(`--${flag.name} takes a number, not ${shown(text)}`, help);
  return Number(text);
};

const secondsOf = (flag: Flag, text: string, help: string): number => {
  try {
    return parseDuration(text) / 1000;
  } catch (failure) {
    if (!(failure instanceof SshMcpError)) throw failure;
    throw usageError(`--${flag.name}: ${failure.message}`, help);
  }
};

const choiceOf = (flag: Flag, text: string, help: string): string => {
  if (flag.choices === null || flag.choices.includes(text)) return text;
  throw usageError(`--${flag.name} takes ${flag.choices.join(", ")}, not ${shown(text)}`, help);
};
