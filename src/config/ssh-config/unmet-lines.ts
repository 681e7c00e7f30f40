/** What ssh checks, and takes, of every line, whether its block applies or not: readconf.c, OpenSSH 9.2. */
import type { Directive } from "./directive.ts";
import { expandVariables } from "./expand.ts";
import { type Keyword, keywordNamed } from "./keywords.ts";
import type { Variables } from "./known-facts.ts";
import { invalidAt } from "./origin.ts";
import { checkForward, isForwarding } from "./values/forward-check.ts";

/**
 * The form of a line. A keyword that ssh does not know is not looked at here: IgnoreUnknown decides about it.
 * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT
 */
export const checkLine = (directive: Directive): void => {
  const keyword = keywordNamed(directive.keyword);
  keyword?.check(directive, keyword.title);
};

/** Whether a line whose form is right says nothing, and needs nothing to be set, where its block does not apply. */
export const isIdle = (directive: Directive): boolean => {
  const name = keywordNamed(directive.keyword)?.name;
  return name !== undefined && !isTakenAnywhere(name) && !needsVariables(name, directive);
};

/** Whether ssh takes it wherever it stands. */
export const isTakenAnywhere = (name: string): boolean => name === "syslogfacility" || name === "streamlocalbindmask";

const needsVariables = (name: string, { args }: Directive): boolean =>
  (namesAgent(name) || isForwarding(name)) && args.some((text) => text.includes("$"));

const namesAgent = (name: string): boolean => name === "identityagent" || name === "forwardagent";

/**
 * The variables of agents and forwards must be set in every block.
 * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT
 */
export const checkVariables = (directive: Directive, { name, title }: Keyword, variables: Variables): void => {
  if (namesAgent(name)) checkAgent(directive, variables);
  else if (isForwarding(name)) {
    checkForward(directive, title, (text) => expandVariables(text, variables, directive.origin));
  }
};

/** readconf.c parse_agent_path. */
const checkAgent = ({ args, origin }: Directive, variables: Variables): void => {
  const [text = ""] = args;
  if (/^\$(?!\{)/.test(text) && !/^\$\w+$/.test(text)) {
    throw invalidAt(origin, `${text} is no name of an environment variable`);
  }
  for (const [written, name = ""] of text.matchAll(/\$\{([^}]*)\}?/g)) {
    if (!/^\w+$/.test(name) || !written.endsWith("}")) {
      throw invalidAt(origin, `an environment variable is written \${NAME}`);
    }
    if (name !== "SSH_AUTH_SOCK" && variables.get(name) === undefined) {
      throw invalidAt(origin, `the environment variable ${name} is not set`);
    }
  }
};
