/** From the text of a flag's value to what the operation takes. Ranges and forms are the operation's schema's to judge. */
import { parseDuration } from "../core/duration.ts";
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import type { Flag } from "./flag.ts";
import { usageError } from "./usage.ts";

/** The caller's environment. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** @throws SshMcpError USAGE */
export const flagValue = (
  flag: Flag,
  text: string,
  help: string,
  env: Environment,
): string | number | Record<string, unknown> => {
  if (text === "") throw usageError(`--${flag.name} needs a value`, help);
  switch (flag.kind) {
    case "number":
      return numberOf(flag, text, help);
    case "duration":
      return secondsOf(flag, text, help);
    case "pair":
      return pairOf(flag, text, help, env);
    case "json":
      return objectOf(flag, text, help);
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

/** A name alone takes the value from here, so that it is in no process list on this side either. */
const pairOf = (flag: Flag, text: string, help: string, env: Environment): Record<string, string> => {
  const equals = text.indexOf("=");
  if (equals > 0) return { [text.slice(0, equals)]: text.slice(equals + 1) };
  if (equals === 0) throw usageError(`--${flag.name} takes NAME=VALUE or NAME: the name is missing`, help);
  const value = env[text];
  if (value === undefined) throw usageError(`--${flag.name} ${shown(text)}: there is no such variable here`, help);
  return { [text]: value };
};

const objectOf = (flag: Flag, text: string, help: string): Record<string, unknown> => {
  let value: unknown = null;
  try {
    value = JSON.parse(text);
  } catch {
    // Told below, as what is JSON and no object.
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return { ...value };
  throw usageError(`--${flag.name} takes one JSON object, not ${shown(text)}`, help);
};

const choiceOf = (flag: Flag, text: string, help: string): string => {
  if (flag.choices === null || flag.choices.includes(text)) return text;
  throw usageError(`--${flag.name} takes ${flag.choices.join(", ")}, not ${shown(text)}`, help);
};
