/** Directories of this machine that nothing is mirrored onto, whatever path or link leads to them: by what they are. */
import { closeSync, constants, openSync } from "node:fs";
import { systemFolders } from "../../core/files/mirrored-onto.ts";
import { type Environment, homeDirectory } from "../paths.ts";
import { ancestors, identityOfPath } from "./identity.ts";

/** What each of them is, in words that follow `is`, by what `identityOf` says of it. */
export const keptPlaces = (env: Environment): ReadonlyMap<string, string> => {
  // A home by its variable, and by the account.
  const homes = [...new Set([homeDirectory(env), homeDirectory({})])].map(aboveOf);
  return new Map([
    ...[...systemFolders].flatMap(identityOfPath).map((one) => [one, "a folder of the system"] as const),
    ...homes.flatMap(([, ...above]) => above).map((one) => [one, "what holds the home directory"] as const),
    ...homes.flatMap(([own]) => own ?? []).map((own) => [own, "the home directory"] as const),
    ...identityOfPath("/").map((root) => [root, "the root directory"] as const),
  ]);
};

/** Of a directory and of everything that holds it; empty when it is not there. */
const aboveOf = (path: string): string[] => {
  let directory: number;
  try {
    directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch {
    return identityOfPath(path);
  }
  try {
    return ancestors(directory);
  } finally {
    closeSync(directory);
  }
};
