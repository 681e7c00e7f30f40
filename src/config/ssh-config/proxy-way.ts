/** ProxyJump and ProxyCommand: readconf.c parse_jump and oProxyCommand, OpenSSH 9.2. */
import { SshMcpError } from "../../core/errors.ts";
import type { Directive } from "./directive.ts";
import { expandProxy, type TokenFacts } from "./expand.ts";
import { lowerCase } from "./match-pattern.ts";
import { validateHostname, validateRemoteUser } from "./names/host-name-check.ts";
import { describeOrigin, invalidAt, type Origin, unsupportedAt } from "./origin.ts";
import type { ProxyWay } from "./resolved-host.ts";
import { type JumpHop, parseJumpHops } from "./values/jump-hops.ts";
import { afterDelimiter } from "./values/value-checks.ts";

/** The line that decides; null when the host is reached directly. The first of either wins, but for a command after `ProxyJump none`. */
export const decidingProxy = (met: readonly Directive[]): Directive | null => {
  let jump: Directive | null = null;
  let command: Directive | null = null;
  for (const directive of met) {
    if (directive.keyword === "proxycommand") {
      if (jump === null || isNone(jump)) command ??= directive;
    } else if (isNone(directive) || command === null) {
      jump ??= directive;
    }
  }
  const decides = jump === null || isNone(jump) ? command : jump;
  return decides === null || isNone(decides) ? null : decides;
};

const isNone = ({ rest }: Directive): boolean => lowerCase(afterDelimiter(rest)) === "none";

/** The list of ProxyJump as it is written, without a comment. */
export const jumpText = ({ rest }: Directive): string => (afterDelimiter(rest).split("#", 1)[0] ?? "").trimEnd();

/**
 * @param facts what tokens stand for; its names do not get into a command when a shell would take them for more
 * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for a token that is none, a jump to the host itself or a name that is none
 */
export const proxyWay = (directive: Directive | null, facts: TokenFacts): ProxyWay => {
  if (directive === null) return { kind: "direct" };
  const { origin, rest } = directive;
  if (directive.keyword === "proxyjump") {
    const hops = parseJumpHops(expandProxy(unquoted(jumpText(directive), origin), facts, origin));
    if (hops === null) throw invalidAt(origin, `ProxyJump takes [USER@]HOST[:PORT],…, not ${jumpText(directive)}`);
    for (const hop of hops) validateHop(hop, directive);
    const last = hops.at(-1);
    if (
      last?.host === facts.host &&
      (last.port ?? 22) === facts.port &&
      (last.user === null || last.user === facts.user)
    ) {
      throw invalidAt(origin, `ProxyJump to ${facts.host} leads through the host itself`);
    }
    return { kind: "jump", hops: hops.map(({ text }) => text) };
  }
  const command = afterDelimiter(rest);
  if (command === "-")
    throw unsupportedAt(origin, "ProxyCommand -, the caller's own input and output, is not supported");
  return { kind: "command", command: expandProxy(command, facts, origin) };
};

/** ssh hands a file's only hop to a shell with the quotes it was written in, which takes them away. */
const unquoted = (text: string, { file }: Origin): string =>
  file === null ? text : text.replace(/^"([^",]*)"$/, "$1");

const validateHop = ({ host, user }: JumpHop, { origin }: Directive): void => {
  try {
    validateHostname(host);
    if (user !== null) validateRemoteUser(user);
  } catch (error) {
    if (!(error instanceof SshMcpError)) throw error;
    const { code, message, hint } = error;
    throw new SshMcpError(code, `${describeOrigin(origin)}: ${message}`, { hint: hint ?? "man ssh_config" });
  }
};
