/** TOKENS and ENVIRONMENT VARIABLES of ssh_config(5). */
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { expandTilde } from "../../files/paths.ts";
import type { Variables } from "./known-facts.ts";
import { validateHostname, validateRemoteUser } from "./names/host-name-check.ts";
import { invalidAt, type Origin } from "./origin.ts";

export type { Variables } from "./known-facts.ts";

export interface TokenFacts {
  /** As typed (`%n`). */
  originalHost: string;
  /** As resolved (`%h`). */
  host: string;
  port: number;
  user: string;
  localUser: string;
  home: string;
  /** HostKeyAlias (`%k`); null, or left out, is the host as typed. */
  keyAlias?: string | null;
  /** ProxyJump (`%j` of OpenSSH 9.6); empty, or left out, without one. */
  jump?: string;
}

export interface PathFacts extends TokenFacts {
  /** Folder that relative paths are meant from. */
  cwd: string;
  variables: Variables;
}

/**
 * HostName takes `%h`, the host as typed, and `%%`.
 * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for another token
 */
export const expandHostName = (text: string, typed: string, origin: Origin): string =>
  expandTokens(text, new Map([["h", () => typed]]), origin);

/**
 * A path of IdentityFile, UserKnownHostsFile and their like: `~`, then tokens and `${NAME}`; absolute, but otherwise as written.
 * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for an unknown token, user or variable
 */
export const expandPath = (text: string, facts: PathFacts, origin: Origin): string =>
  absolute(expandValue(text, facts, origin), facts.cwd);

/** The same as it is written: a relative path stays one. */
export const expandValue = (text: string, facts: PathFacts, origin: Origin): string =>
  expandTokens(expandHome(text, facts.home, origin), tokensOf(facts), origin, facts.variables);

/** `~` and `~user` alone. @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for an unknown user */
export const expandHome = (text: string, home: string, origin: Origin): string => {
  const path = expandTilde(text, home);
  if (path === null) throw invalidAt(origin, `${text}: there is no such user`);
  return path;
};

/** RemoteCommand: tokens, and no variables. @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for an unknown token */
export const expandRemoteCommand = (text: string, facts: TokenFacts, origin: Origin): string =>
  expandTokens(text, tokensOf(facts), origin);

/**
 * A command line of `Match exec`. Names that a shell would take for more than names do not get into it.
 * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for an unknown token, INVALID_INPUT for such a name
 */
export const expandLocalCommand = (text: string, facts: TokenFacts, origin: Origin): string =>
  expandTokens(text, validated(tokensOf(facts)), origin);

/** ProxyCommand and the hops of ProxyJump, which take fewer tokens; else as `expandLocalCommand`. */
export const expandProxy = (text: string, facts: TokenFacts, origin: Origin): string => {
  const tokens = validated(tokensOf(facts));
  return expandTokens(text, new Map([...tokens].filter(([token]) => "hknpr".includes(token))), origin);
};

/**
 * `${NAME}` alone, as forwards have it.
 * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for a variable that is not set
 */
export const expandVariables = (text: string, variables: Variables, origin: Origin): string =>
  text.replace(variable, (_, name: string, close: string) => variableValue(name, close, variables, origin));

/** The path itself when it is absolute, else taken from `cwd`; neither `~` nor `..` is looked at. */
export const absolute = (path: string, cwd: string): string =>
  path.startsWith("/") ? path : `${cwd.replace(/\/$/, "")}/${path}`;

/** What each token stands for, found out when it is needed. */
type Tokens = ReadonlyMap<string, () => string>;

const tokensOf = (facts: TokenFacts): Tokens => {
  const port = String(facts.port);
  return new Map([
    ["C", () => sha1(hostname() + facts.host + port + facts.user)],
    ["d", () => facts.home],
    ["h", () => facts.host],
    ["i", () => String(process.getuid?.() ?? "")],
    ["j", () => facts.jump ?? ""],
    ["k", () => facts.keyAlias ?? facts.originalHost],
    ["L", () => hostname().split(".", 1)[0] ?? ""],
    ["l", hostname],
    ["n", () => facts.originalHost],
    ["p", () => port],
    ["r", () => facts.user],
    ["u", () => facts.localUser],
  ]);
};

const sha1 = (text: string): string => createHash("sha1").update(text).digest("hex");

const validated = (tokens: Tokens): Tokens =>
  new Map(
    [...tokens].map(([token, value]) => {
      const validate = "hnk".includes(token) ? validateHostname : token === "r" ? validateRemoteUser : null;
      if (validate === null) return [token, value];
      return [
        token,
        () => {
          validate(value());
          return value();
        },
      ];
    }),
  );

/** @param variables absent: `${` is nothing special */
const expandTokens = (text: string, tokens: Tokens, origin: Origin, variables?: Variables): string => {
  const special = variables === undefined ? /%(.?)/gs : /%(.?)|\$\{([^}]*)(\}?)/gs;
  return text.replace(special, (found, token: string | undefined, name = "", close = "") => {
    if (token === undefined) return variables === undefined ? found : variableValue(name, close, variables, origin);
    const value = token === "%" ? "%" : tokens.get(token)?.();
    if (value === undefined) throw invalidAt(origin, `there is no token ${found} here`);
    return value;
  });
};

const variable = /\$\{([^}]*)(\}?)/g;

/** The text around it is in no error: of a command it may be a secret, and the line says where it stands. @param close the brace, or nothing */
const variableValue = (name: string, close: string, variables: Variables, origin: Origin): string => {
  if (close === "" || name === "") throw invalidAt(origin, `an environment variable is written \${NAME}`);
  const value = variables.get(name);
  if (value === undefined) throw invalidAt(origin, `the environment variable ${name} is not set`);
  return value;
};
