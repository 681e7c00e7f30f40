/**
 * Path operands, as scp(1) has them: `TARGET:PATH` is on a server, everything else on this machine. A slash before the first colon means this machine,
 * and `-` alone is standard input or output. `[v6]:PATH` and `user@[v6]:PATH` hold colons; a port stands only in `ssh://user@host:port/path`.
 */
import { SshMcpError } from "../errors.ts";
import { shown } from "../escape.ts";

export type Operand =
  | { kind: "remote"; target: string; path: string }
  | { kind: "local"; path: string }
  | { kind: "stream" };

const uri = /^(ssh:\/\/[^/]*)(?:\/(.*))?$/is;
const bracketed = /^((?:[^/@]*@)?\[[^\]/]*\]):(.*)$/s;

/**
 * The path of an `ssh://` operand is meant from the home directory; one more slash makes it absolute, as for scp.
 * @throws SshMcpError INVALID_INPUT for an empty word, or an empty target
 */
export const parseOperand = (text: string): Operand => {
  if (text === "") throw new SshMcpError("INVALID_INPUT", "a path is empty");
  if (text === "-") return { kind: "stream" };
  const [, authority, path] = uri.exec(text) ?? [];
  if (authority !== undefined) return { kind: "remote", target: authority, path: path ?? "" };
  const [, host, rest] = bracketed.exec(text) ?? [];
  if (host !== undefined) return { kind: "remote", target: host, path: rest ?? "" };
  const colon = text.indexOf(":");
  const slash = text.indexOf("/");
  if (colon < 0 || (slash >= 0 && slash < colon)) return { kind: "local", path: text };
  if (colon === 0) throw new SshMcpError("INVALID_INPUT", `${shown(text)} names no server before its colon`);
  return { kind: "remote", target: text.slice(0, colon), path: text.slice(colon + 1) };
};
