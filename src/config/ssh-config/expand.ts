/** TOKENS and ENVIRONMENT VARIABLES of ssh_config(5). */
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { expandTilde } from "../../files/paths.ts";
import { invalidAt, type Origin } from "./origin.ts";

export interface TokenFacts {
  /** As typed (`%n`). */
  originalHost: string;
  /** As resolved (`%h`). */
  host: string;
  port: number;
  user: string;
  localUser: string;
  home: string;
}

/** What `${NAME}` stands for; a Map is one. */
export interface Variables {
  /** Undefined for a variable that is not set. */
  get(name: string): string | undefined;
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
  expandTokens(text, new Map([["h", typed]]), origin);

/**
 * A path of IdentityFile or UserKnownHostsFile: `~`, then tokens and `${NAME}`; absolute, but otherwise as written.
 * @throws SshMcpError CONFIG_INVALID or INVALID_INPUT for an unknown token, user or variable
 */
export const expandPath = (text: string, facts: PathFacts, origin: Origin): string => {
  const path = expandTilde(text, facts.home);
  if (path === null) throw invalidAt(origin, `${text}: there is no such user`);
  return absolute(expandTokens(path, tokensOf(facts), origin, facts.variables), facts.cwd);
};

/** The path itself when it is absolute, else taken from `cwd`; neither `~` nor `..` is looked at. */
export const absolute = (path: string, cwd: string): string =>
  path.startsWith("/") ? path : `${cwd.replace(/\/$/, "")}/${path}`;

const tokensOf = (facts: TokenFacts): Map<string, string> => {
  const local = hostname();
  const port = String(facts.port);
  return new Map([
    [
      "C",
      createHash("sha1")
        .update(local + facts.host + port + facts.user)
        .digest("hex"),
    ],
    ["d", facts.home],
    ["h", facts.host],
    ["i", String(process.getuid?.() ?? "")],
    // HostKeyAlias would be %k; it is refused, and without it %k is the host as typed.
    ["k", facts.originalHost],
    ["L", local.split(".", 1)[0] ?? ""],
    ["l", local],
    ["n", facts.originalHost],
    ["p", port],
    ["r", facts.user],
    ["u", facts.localUser],
  ]);
};

/** @param variables absent: `${` is nothing special */
const expandTokens = (
  text: string,
  tokens: ReadonlyMap<string, string>,
  origin: Origin,
  variables?: Variables,
): string => {
  const special = variables === undefined ? /%(.?)/gs : /%(.?)|\$\{([^}]*)(\}?)/gs;
  return text.replace(
    special,
    (found, token: string | undefined, name: string | undefined, close: string | undefined) => {
      if (token !== undefined) {
        const value = token === "%" ? "%" : tokens.get(token);
        if (value === undefined) throw invalidAt(origin, `${text}: there is no token ${found} here`);
        return value;
      }
      if (close !== "}" || name === undefined || name === "")
        throw invalidAt(origin, `${text}: an environment variable is written \${NAME}`);
      const value = variables?.get(name);
      if (value === undefined) throw invalidAt(origin, `${text}: the environment variable ${name} is not set`);
      return value;
    },
  );
};
