/** Values of ssh_config(5) in the words of `ssh -G` (OpenSSH 9.2, readconf.c dump_client_config). The arguments were checked before. */

import { lowerCase } from "../match-pattern.ts";
import { parseJumpHops } from "../values/jump-hops.ts";

/** Type-of-service values by name; where names share one, the first is printed. */
const tos: ReadonlyMap<string, number> = new Map([
  ...["af11", "af12", "af13"].map((name, index) => [name, 0x28 + 8 * index] as const),
  ...["af21", "af22", "af23"].map((name, index) => [name, 0x48 + 8 * index] as const),
  ...["af31", "af32", "af33"].map((name, index) => [name, 0x68 + 8 * index] as const),
  ...["af41", "af42", "af43"].map((name, index) => [name, 0x88 + 8 * index] as const),
  ...Array.from({ length: 8 }, (_, index) => [`cs${index}`, 0x20 * index] as const),
  ["ef", 0xb8],
  ["le", 0x04],
  ["lowdelay", 0x10],
  ["throughput", 0x08],
  ["reliability", 0x04],
]);

/** One word of IPQoS. */
export const tosName = (text: string): string => {
  const word = lowerCase(text);
  if (word === "none") return word;
  const number = /^\s*[+-]?0[0-7]+$/.test(text) ? Number.parseInt(text, 8) : Number(text);
  const value = tos.get(word) ?? number;
  for (const [name, known] of tos) if (known === value) return name;
  return `0x${value.toString(16).padStart(2, "0")}`;
};

/** The character of EscapeChar as vis(3) writes it with VIS_WHITE. */
export const escapeCharacter = (text: string): string => {
  if (text === "none") return text;
  const code = text.length > 1 ? text.charCodeAt(1) & 31 : text.charCodeAt(0);
  if (code === 0x20) return "\\040";
  if (code === 0x5c) return "\\\\";
  if (code === 0x7f) return "\\^?";
  return code < 0x20 ? `\\^${String.fromCharCode(code + 64)}` : String.fromCharCode(code);
};

/** StreamLocalBindMask: what strtol(3) reads as octal, and whatever follows. */
export const octalMask = (text: string): string => {
  const value = Number.parseInt(/^\s*\+?([0-7]+)/.exec(text)?.[1] ?? "0", 8);
  // printf's "0%o": a zero before the digits, and nothing more for zero itself.
  return `0${value.toString(8)}`;
};

/** TunnelDevice as `LOCAL:REMOTE`. */
export const tunnelDevice = (text: string): string => {
  const colon = text.indexOf(":");
  const [local, remote] = colon < 0 ? [text, "any"] : [text.slice(0, colon), text.slice(colon + 1)];
  return [local, remote].map((unit) => (lowerCase(unit) === "any" ? "any" : String(Number(unit)))).join(":");
};

/** ProxyJump, with the last hop put together again as ssh does it: an address in brackets. */
export const proxyJump = (list: string): string => {
  const hops = parseJumpHops(list) ?? [];
  const last = hops.pop();
  if (last === undefined) return list;
  const { user, host, port } = last;
  const isAddress = host.includes(":") || /^[\d.]*$/.test(host);
  const written = `${user === null ? "" : `${user}@`}${isAddress ? `[${host}]` : host}${port === null ? "" : `:${port}`}`;
  return [...hops.map(({ text }) => text), written].join(",");
};
