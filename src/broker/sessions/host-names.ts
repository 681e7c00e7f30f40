/** Who else knows a name as a host's: the machine's own list, and whomever its resolver asks. */
import { lookup } from "node:dns/promises";
import { readFile } from "node:fs/promises";

/** Whether a host of this name can be found; never rejects. */
export type Resolves = (host: string) => Promise<boolean>;

/** A resolver that takes longer is not waited for. */
const patienceMs = 500;

/** Asks the system's resolver, for half a second at most: whoever it might still find is taken for found. */
export const systemResolves: Resolves = async (host) => {
  const { promise: isLate, resolve } = Promise.withResolvers<true>();
  const timer = setTimeout(() => resolve(true), patienceMs);
  try {
    return await Promise.race([lookup(host).then(yes, no), isLate]);
  } finally {
    clearTimeout(timer);
  }
};

const yes = (): boolean => true;
const no = (): boolean => false;

/** Whether hosts(5) has the name; a file that cannot be read has none. @param name in lower case */
export const isInHostsFile = async (name: string): Promise<boolean> => {
  const text = await readFile("/etc/hosts", "latin1").catch(() => "");
  return text.split("\n").some((line) => {
    const [, ...names] = line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/);
    return names.includes(name);
  });
};
