import type { Face, Operation } from "./operation.ts";

/** `identityFile` as people type it: `identity-file`. */
export const kebab = (field: string): string => field.replace(/[A-Z]/g, (capital) => `-${capital.toLowerCase()}`);

/**
 * What a face calls a field of an operation: a model by its name, a person by its flag, or by the word that stands for it
 * in the usage line.
 * @param path the field, or a place in it (`options.0`), which is kept for a model: a person has typed no such thing
 */
export const fieldName = (operation: Operation, path: string, face: Face): string => {
  const [field = ""] = path.split(".");
  if (face === "mcp" || !Object.hasOwn(operation.input.entries, field)) return path;
  const words: readonly (string | null)[] = [...operation.positionals, operation.rest, operation.last ?? null];
  return words.includes(field) ? field.toUpperCase() : `--${kebab(field)}`;
};
