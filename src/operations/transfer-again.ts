/** The command, or the call, that goes on with what was cut short. */
import { kebab } from "../core/field-name.ts";
import { quoteWord } from "../core/quote.ts";

/**
 * Flags of a command line as they were given, each with a space behind it.
 * @param letters short forms, where a person would type them
 * @throws SshMcpError INVALID_INPUT for a NUL character, which no input that was taken has
 */
export const commandAgain = (
  options: Readonly<Record<string, unknown>>,
  letters: Readonly<Partial<Record<string, string>>> = {},
): string =>
  Object.entries(options)
    .flatMap(([field, value]) => (Array.isArray(value) ? value : [value]).map((one) => flagOf(field, one, letters)))
    .join("");

const flagOf = (field: string, value: unknown, letters: Readonly<Partial<Record<string, string>>>): string => {
  if (value === undefined || value === false) return "";
  const letter = letters[field];
  if (value === true) return `${letter === undefined ? `--${kebab(field)}` : `-${letter}`} `;
  return `--${kebab(field)}=${quoteWord(String(value))} `;
};

export const callAgain = (tool: string, input: object): string => `${tool} ${JSON.stringify(input)}`;
