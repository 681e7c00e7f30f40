/** SetEnv and SendEnv: readconf.c oSetEnv, oSendEnv and rm_env, OpenSSH 9.2. */
import { matchGlob } from "../../../core/glob.ts";
import type { Directive } from "../directive.ts";

/** Of the first line alone; the first of a name wins. */
export const setEnvironment = (met: readonly Directive[]): { name: string; value: string }[] => {
  const values = new Map<string, string>();
  for (const arg of met[0]?.args ?? []) {
    const cut = arg.indexOf("=");
    const name = arg.slice(0, cut);
    if (!values.has(name)) values.set(name, arg.slice(cut + 1));
  }
  return [...values].map(([name, value]) => ({ name, value }));
};

/** Every line adds to it; `-pattern` takes away what came before. */
export const sentEnvironment = (met: readonly Directive[]): string[] => {
  let patterns: string[] = [];
  for (const arg of met.flatMap(({ args }) => args)) {
    if (!arg.startsWith("-")) patterns.push(arg);
    else patterns = patterns.filter((pattern) => !matchGlob(pattern, arg.slice(1)));
  }
  return [...new Set(patterns)];
};
