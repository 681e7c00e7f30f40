/**
 * What `hosts add` and `hosts set` are given, as lines of ssh_config(5). Values reach ssh(1) as well, by an Include: what a shell or an
 * option parser would read as its own is refused here, whoever would be hurt by it.
 */
import { parseDestination, validateUser } from "../../core/destination.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { HostFields } from "../../core/hosts.ts";
import { suggest } from "../../core/suggest.ts";
import { lexLine } from "../ssh-config/files/lexer.ts";
import { currentKeywords, keywordNamed } from "../ssh-config/keywords.ts";
import { requestOrigin } from "../ssh-config/origin.ts";

/** One line of an entry, without its indent. */
export interface EntryLine {
  /** In lower case, and by its current name. */
  keyword: string;
  text: string;
}

/** Which keyword a field of ours is. */
export const fieldKeywords: Readonly<Record<string, string>> = {
  host: "hostname",
  user: "user",
  port: "port",
  "identity-file": "identityfile",
  identityfile: "identityfile",
  jump: "proxyjump",
};

/** Longer names are no names of hosts, and no names of files. */
const nameGrammar = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}$/;

/** @throws SshMcpError INVALID_INPUT for what cannot name a host, or would not be one host */
export const checkName = (name: string): void => {
  if (nameGrammar.test(name)) return;
  const why = name.startsWith("-") ? "begins with a dash" : "is no name of a host: letters, digits, . _ - alone";
  throw refused("the name", name, why);
};

/**
 * The lines in the order in which they are written.
 * @param name of the entry; checked
 * @throws SshMcpError INVALID_INPUT naming the value
 */
export const linesFor = (name: string, fields: HostFields): EntryLine[] => {
  const { host, user, port, identityFile = [], jump, set = [] } = fields;
  const lines = [
    ...(host === undefined ? [] : [line("HostName", checkedHost(host))]),
    ...(user === undefined ? [] : [line("User", checkedUser(user))]),
    ...(port === undefined ? [] : [line("Port", checkedPort(port))]),
    ...identityFile.map((file) => line("IdentityFile", quoted(checkedText("identityFile", file)))),
    ...(jump === undefined ? [] : [line("ProxyJump", checkedJump(name, jump))]),
  ];
  const own = new Set(lines.map(({ keyword }) => keyword));
  const others = set.map(settingLine);
  for (const { keyword } of others) {
    if (own.has(keyword)) throw refused("set", keyword, "is given twice: it has an option of its own");
  }
  return [...lines, ...others];
};

/** An agent's values stand for themselves: what ssh would put in their place is a person's to write. @throws SshMcpError INVALID_INPUT */
export const checkPlain = ({ host, user, jump, identityFile = [] }: HostFields): void => {
  const values = [
    ["host", host],
    ["user", user],
    ["jump", jump],
    ...identityFile.map((file) => ["identityFile", file]),
  ];
  for (const [what = "", value = ""] of values) {
    if (!isPlain(value)) throw refused(what, value, "has a variable or a token, and must stand for itself");
  }
};

/** Whether there is nothing in it that ssh would put something else in the place of. */
export const isPlain = (value: string): boolean => !/[$%]/.test(value);

const line = (title: string, value: string): EntryLine => ({ keyword: title.toLowerCase(), text: `${title} ${value}` });

const checkedHost = (host: string): string => {
  const parsed = parseDestination(host);
  if (parsed.user !== null || parsed.port !== null) {
    throw refused("host", host, "has a user or a port: give them by themselves");
  }
  return parsed.host;
};

const checkedUser = (user: string): string => {
  validateUser(user);
  return quoted(user);
};

const checkedPort = (port: number): string => {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw refused("port", String(port), "is not 1 to 65535");
  return String(port);
};

const checkedJump = (name: string, jump: string): string => {
  if (jump === "none") return jump;
  for (const hop of jump.split(",")) {
    if (parseDestination(hop).host === name) throw refused("jump", jump, `goes through ${name} itself`);
  }
  return jump;
};

/** @throws SshMcpError INVALID_INPUT for what hides, ends the line, or would be run by a shell */
const checkedText = (what: string, text: string): string => {
  if (text === "") throw refused(what, text, "is empty");
  if (text.startsWith("-")) throw refused(what, text, "begins with a dash");
  if (/[^\P{C}\u200c\u200d]|[\u2028\u2029]/u.test(text))
    throw refused(what, text, "has a control character or a line end");
  if (/\$\(|`/.test(text)) throw refused(what, text, "has what a shell would run");
  return text;
};

/** As readconf.c cuts words: within double quotes a backslash takes a quote and a backslash. */
const quoted = (text: string): string =>
  /[\s"'\\#=]/.test(text) ? `"${text.replace(/["\\]/g, (character) => `\\${character}`)}"` : text;

/** What the person's shell runs anyway. */
const commandKeywords = new Set(["proxycommand", "localcommand", "remotecommand", "knownhostscommand"]);

/** `Keyword=value` or `Keyword value`, the value as it stands: it is in ssh_config's own syntax. */
const settingLine = (setting: string): EntryLine => {
  const parsed = lexLine(setting, requestOrigin);
  if (parsed === null) throw refused("set", setting, "is no Keyword=value");
  const keyword = keywordNamed(parsed.keyword);
  if (keyword === undefined) {
    const near = suggest(parsed.keyword, currentKeywords);
    throw refused(
      "set",
      parsed.keyword,
      `is no keyword of ssh_config${near === null ? "" : `; did you mean ${near}?`}`,
    );
  }
  if (keyword.use === "structure") throw refused("set", parsed.keyword, "is no option of one host");
  const value = parsed.rest.trimEnd();
  if (commandKeywords.has(keyword.name)) {
    if (/[\p{Cc}\u2028\u2029]/u.test(value)) throw refused("set", setting, "has a control character or a line end");
  } else {
    checkedText("set", value);
  }
  const [typed = keyword.title] = /[a-z0-9]+/i.exec(setting) ?? [];
  const text = `${keyword.use === "passed" ? typed : keyword.title} ${value}`;
  const again = lexLine(text, requestOrigin);
  if (again === null || again.args.join("\0") !== parsed.args.join("\0")) {
    throw refused("set", setting, "would be read as something else in a file");
  }
  return { keyword: keyword.name, text };
};

const refused = (what: string, value: string, why: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", `${what} ${shown(value)} ${why}`, { hint: "ssh-mcp hosts add NAME --host HOST" });
