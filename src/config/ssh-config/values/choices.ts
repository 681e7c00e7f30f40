/** The words that a value of ssh_config(5) is chosen from, and the names by which `ssh -G` calls them: readconf.c multistate, OpenSSH 9.2. */
import { lowerCase } from "../match-pattern.ts";

/** What a word means, in the order in which ssh looks for the name of a meaning: the first name is the one it prints. */
export type States = ReadonlyMap<string, string>;

const states = (meanings: Readonly<Record<string, readonly string[]>>): States =>
  new Map(Object.entries(meanings).flatMap(([printed, words]) => words.map((word) => [word, printed] as const)));

const truth = { true: ["true", "yes"], false: ["false", "no"] };

export const flagStates = states({ yes: ["yes", "true"], no: ["no", "false"] });
export const askStates = states({ ...truth, ask: ["ask"] });
export const confirmStates = states({ ...truth, ask: ["ask"], confirm: ["confirm"] });
export const strictStates = states({
  true: ["true", "yes"],
  false: ["false", "no", "off"],
  ask: ["ask"],
  "accept-new": ["accept-new"],
});
export const addressFamilyStates = states({ inet: ["inet"], inet6: ["inet6"], any: ["any"] });
export const compressionStates = states({ yes: ["yes"], no: ["no"] });
export const controlMasterStates = states({ ...truth, auto: ["auto"], ask: ["ask"], autoask: ["autoask"] });
export const tunnelStates = states({
  ethernet: ["ethernet"],
  "point-to-point": ["point-to-point", "true", "yes"],
  false: ["false", "no"],
});
export const requestTtyStates = states({ ...truth, force: ["force"], auto: ["auto"] });
export const sessionTypeStates = states({ none: ["none"], subsystem: ["subsystem"], default: ["default"] });
export const canonicalizeStates = states({ ...truth, always: ["always"] });
export const pubkeyStates = states({ ...truth, unbound: ["unbound"], "host-bound": ["host-bound"] });
export const digestStates = states(
  Object.fromEntries(["MD5", "SHA1", "SHA256", "SHA384", "SHA512"].map((name) => [name, [lowerCase(name)]])),
);
export const logLevelStates = states({
  SILENT: ["silent", "quiet"],
  FATAL: ["fatal"],
  ERROR: ["error"],
  INFO: ["info"],
  VERBOSE: ["verbose"],
  DEBUG: ["debug", "debug1"],
  DEBUG2: ["debug2"],
  DEBUG3: ["debug3"],
});
export const facilityStates = states(
  Object.fromEntries(
    ["DAEMON", "USER", "AUTH", "AUTHPRIV", ...Array.from({ length: 8 }, (_, index) => `LOCAL${index}`)].map((name) => [
      name,
      [lowerCase(name)],
    ]),
  ),
);
