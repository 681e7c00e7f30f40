/** IdentityAgent, ForwardAgent and AddKeysToAgent: readconf.c and ssh.c, OpenSSH 9.2. */

import type { Directive } from "../directive.ts";
import { expandPath, type PathFacts } from "../expand.ts";
import { lowerCase } from "../match-pattern.ts";
import type { AddKeysToAgent, IdentityAgent, ResolvedHost } from "../resolved-host.ts";
import { parseSeconds } from "./time-value.ts";

export const identityAgent = (directive: Directive | undefined, facts: PathFacts): IdentityAgent => {
  if (directive === undefined) return { kind: "caller" };
  const text = directive.args[0] ?? "";
  return text === "none" ? { kind: "none" } : socket(text, directive, facts);
};

/** The first line decides whether, and the first with a path where to. */
export const forwardAgent = (met: readonly Directive[], facts: PathFacts): ResolvedHost["forwardAgent"] => {
  const [decides] = met;
  if (decides === undefined || isNo(decides)) return { kind: "no" };
  const path = met.find((directive) => !isNo(directive) && !isYes(directive));
  if (path === undefined) return { kind: "caller" };
  const agent = socket(path.args[0] ?? "", path, facts);
  return agent.kind === "none" ? { kind: "no" } : agent;
};

const isYes = ({ args }: Directive): boolean => /^(yes|true)$/i.test(args[0] ?? "");
const isNo = ({ args }: Directive): boolean => /^(no|false)$/i.test(args[0] ?? "");

/** `$NAME` is the older way to write a variable: one that is not set, or cannot be, is no agent. */
const socket = (text: string, { origin }: Directive, facts: PathFacts): IdentityAgent => {
  if (/^(SSH_AUTH_SOCK|\$SSH_AUTH_SOCK|\$\{SSH_AUTH_SOCK\})$/.test(text)) return { kind: "caller" };
  if (!/^\$[^{]/.test(text)) return { kind: "socket", path: expandPath(text, facts, origin) };
  const name = text.slice(1);
  const path = /^[A-Za-z_]\w*$/.test(name) ? facts.variables.get(name) : undefined;
  return path === undefined || path === "" ? { kind: "none" } : { kind: "socket", path };
};

export const addKeysToAgent = (directive: Directive | undefined): AddKeysToAgent => {
  const [mode = "no", lifetime] = directive?.args ?? [];
  const known = modes.get(lowerCase(mode));
  const time = known === undefined ? mode : lifetime;
  const seconds = time === undefined ? 0 : (parseSeconds(time) ?? 0);
  return { mode: known ?? "yes", lifetimeMs: seconds === 0 ? null : seconds * 1000 };
};

const modes: ReadonlyMap<string, AddKeysToAgent["mode"]> = new Map([
  ["yes", "yes"],
  ["true", "yes"],
  ["no", "no"],
  ["false", "no"],
  ["ask", "ask"],
  ["confirm", "confirm"],
]);
