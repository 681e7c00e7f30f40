import { readFileSync } from "node:fs";
import { parseWhole } from "./time-value.ts";

/**
 * A TCP port as ssh reads it: its number, or the name that services(5) has for it (misc.c a2port).
 * @returns null for anything else, and for 0
 */
export const parsePortNumber = (text: string): number | null => {
  const port = parseWhole(text, 65_535) ?? portOfService(text);
  return port === 0 ? null : port;
};

const portOfService = (name: string, file = "/etc/services"): number | null => {
  if (!/^[a-z][\w.+-]*$/i.test(name)) return null;
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    return null;
  }
  for (const line of text.split("\n")) {
    const [official, at = "", ...others] = (line.split("#", 1)[0] ?? "").trim().split(/\s+/);
    const [port, protocol] = at.split("/");
    if (protocol === "tcp" && (official === name || others.includes(name))) return Number(port);
  }
  return null;
};
