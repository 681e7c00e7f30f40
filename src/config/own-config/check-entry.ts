/** Whether a changed file of ours may be written: ssh would take all of it, and the host resolves. */
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { quoteWord } from "../../core/quote.ts";
import { lexLine } from "../ssh-config/files/lexer.ts";
import { keywordNamed } from "../ssh-config/keywords.ts";
import { requestOrigin } from "../ssh-config/origin.ts";
import { type HostEnvironment, resolveHost } from "../ssh-config/resolve.ts";
import { isPlain } from "./entry-fields.ts";
import type { Lines } from "./own-file.ts";

/**
 * Reads the text as the file it will be, alone, for one host.
 * @param env of whoever writes it; a variable in a value counts as set
 * @throws SshMcpError CONFIG_INVALID naming the line it would have; UNSUPPORTED
 */
export const checkWhole = (path: string, text: string, name: string, env: Omit<HostEnvironment, "variables">): void => {
  const request = { host: name, user: null, port: null, identityFiles: [], configFile: path, options: [] };
  const given = new Map([[path, Buffer.from(text)]]);
  // What only the world can tell decides nothing here: no command of the file is run to look at it.
  const unknown = {
    // A number is right for a port, and for a part of a path.
    variables: { get: () => "1" },
    commands: { succeeds: () => false },
    names: { lookUp: () => ({ canonicalName: null }) },
  };
  resolveHost(request, { ...env, ...unknown, given });
};

/** No file has this name. */
const alone = "/entry";

/**
 * Reads an entry by itself, before it is put into a file: what is wrong with it was said on the command line.
 * @throws SshMcpError INVALID_INPUT
 */
export const checkEntry = (name: string, body: Lines, env: Omit<HostEnvironment, "variables">): void => {
  try {
    checkWhole(alone, `${body.join("\n")}\n`, name, env);
  } catch (cause) {
    if (!(cause instanceof SshMcpError)) throw cause;
    const why = cause.message.replace(/^\/entry:\d+: /, "");
    throw new SshMcpError("INVALID_INPUT", `ssh would not take the entry of ${name}: ${why}`, {
      hint: "man ssh_config",
      cause,
    });
  }
};

/** What an agent may propose. */
const harmless = new Set(["hostname", "user", "port", "identityfile", "proxyjump"]);

/**
 * A proposal lies in a file that people edit: it is looked at again before it counts.
 * @param body its lines, without marks
 * @throws SshMcpError PRECONDITION_FAILED when it says more than a proposal may, or is about another host
 */
export const checkProposal = (name: string, body: Lines, path: string): void => {
  const [head, ...lines] = body.map((line) => lexLine(line, requestOrigin));
  const isOne = head?.keyword === "host" && head.args.length === 1 && head.args[0] === name;
  const isOther = lines.find((line) => line !== null && !harmless.has(keywordNamed(line.keyword)?.name ?? ""));
  const isSpecial = lines.find((line) => line !== null && !isPlain(line.rest));
  if (isOne && isOther === undefined && isSpecial === undefined) return;
  const what = !isOne
    ? "is not about that host alone"
    : isOther !== undefined
      ? `sets ${shown(isOther?.keyword ?? "")}, which no agent may`
      : `has a variable or a token in ${shown(isSpecial?.keyword ?? "")}, which no agent may write`;
  throw new SshMcpError("PRECONDITION_FAILED", `the proposal of ${name} ${what}`, { hint: `vi ${quoteWord(path)}` });
};
