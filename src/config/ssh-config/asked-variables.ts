/** `${NAME}` in ssh_config, where the values have to be asked for: in exactly the names that are needed. */
import type { Variables } from "./expand.ts";

/** A value may lead to a place that refers to further names; nobody nests them deeper. */
const roundLimit = 8;

/**
 * Resolves, asks for the names that came up, and resolves again. What is resolved while names are missing is thrown away,
 * its errors too.
 * @param resolve pure but for reading files; called once per round
 * @param ask values by name; names that are not set are absent
 * @throws whatever `resolve` and `ask` throw
 */
export const withAskedVariables = async <T>(
  resolve: (variables: Variables) => T,
  ask: (names: readonly string[]) => Promise<Readonly<Record<string, string>>>,
): Promise<T> => {
  const known = new Map<string, string | undefined>();
  for (let round = 0; round < roundLimit; round++) {
    const missing = new Set<string>();
    const get = (name: string): string | undefined => {
      if (known.has(name)) return known.get(name);
      missing.add(name);
      // Any text lets the resolution go on, so that one round finds all names.
      return "x";
    };
    const result = attempt(() => resolve({ get }));
    if (missing.size === 0) return result();
    const values = new Map(Object.entries(await ask([...missing])));
    for (const name of missing) known.set(name, values.get(name));
  }
  return resolve(known);
};

/** The outcome of `work`, to be looked at later. */
const attempt = <T>(work: () => T): (() => T) => {
  try {
    const value = work();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
};
