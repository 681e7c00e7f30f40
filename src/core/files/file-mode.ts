/** Permission bits as chmod(1) takes and shows them. */
import { SshMcpError } from "../errors.ts";
import { shown } from "../escape.ts";
import type { FileType } from "./file-facts.ts";

/** `0644`. */
export const octal = (mode: number): string => (mode & 0o7777).toString(8).padStart(4, "0");

/** From what a file has to what it is to have. */
export type ModeChange = (mode: number, isDirectory: boolean) => number;

/** What a change without a `who` leaves alone; nobody can ask a server for its own, and this is the usual one. */
const usualMask = 0o022;

const clause = /^([ugoa]*)((?:[+=-](?:[ugo]|[rwxXst]*))+)$/;

/**
 * @param text octal digits, or clauses as `u+x,go-w` (chmod(1), IEEE Std 1003.1)
 * @returns what it makes of a mode; null of `needsMode` where it takes none into account
 * @throws SshMcpError INVALID_INPUT
 */
export const parseMode = (text: string): { change: ModeChange; needsMode: boolean } => {
  if (/^[0-7]{1,5}$/.test(text) && Number.parseInt(text, 8) <= 0o7777) {
    const mode = Number.parseInt(text, 8);
    return { change: () => mode, needsMode: false };
  }
  const clauses = text.split(",").map((part) => clause.exec(part));
  if (clauses.some((match) => match === null)) {
    throw new SshMcpError("INVALID_INPUT", `${shown(text)} is no mode: 0644, or as u+x,go-w`);
  }
  const steps = clauses.flatMap((match) => stepsOf(match?.[1] ?? "", match?.[2] ?? ""));
  return { change: (mode, isDirectory) => steps.reduce((now, step) => step(now, isDirectory), mode), needsMode: true };
};

const shifts = { u: 6, g: 3, o: 0 } as const;
type Who = keyof typeof shifts;

const stepsOf = (given: string, actions: string): ModeChange[] => {
  const whos: Who[] = given === "" || given.includes("a") ? ["u", "g", "o"] : [...new Set(given)].filter(isWho);
  const mask = given === "" ? usualMask : 0;
  return [...actions.matchAll(/([+=-])([^+=-]*)/g)].map(([, sign = "+", what = ""]): ModeChange => {
    return (mode, isDirectory) => {
      const bits = whos.reduce((sum, who) => sum | bitsFor(who, what, mode, isDirectory), 0) & ~mask;
      // A directory keeps its set-ID bits unless they are named, as GNU chmod has it.
      const all = whos.reduce((sum, who) => sum | (7 << shifts[who]) | special(who, isDirectory), 0);
      const sticky = what.includes("t") && (given === "" || given.includes("a") || given.includes("o")) ? 0o1000 : 0;
      if (sign === "+") return mode | bits | sticky;
      if (sign === "-") return mode & ~(bits | sticky);
      const cleared = given === "" || given.includes("a") || given.includes("o") ? all | 0o1000 : all;
      return (mode & ~cleared) | bits | sticky;
    };
  });
};

const isWho = (text: string): text is Who => text in shifts;

const special = (who: Who, isDirectory: boolean): number => {
  if (isDirectory) return 0;
  return who === "u" ? 0o4000 : who === "g" ? 0o2000 : 0;
};

const bitsFor = (who: Who, what: string, mode: number, isDirectory: boolean): number => {
  if (isWho(what)) return ((mode >> shifts[what]) & 7) << shifts[who];
  const executes = what.includes("x") || (what.includes("X") && (isDirectory || (mode & 0o111) !== 0));
  const plain = (what.includes("r") ? 4 : 0) | (what.includes("w") ? 2 : 0) | (executes ? 1 : 0);
  const setId = !what.includes("s") || who === "o" ? 0 : who === "u" ? 0o4000 : 0o2000;
  return (plain << shifts[who]) | setId;
};

const kinds: Readonly<Record<FileType, string>> = {
  file: "-",
  directory: "d",
  symlink: "l",
  fifo: "p",
  socket: "s",
  character: "c",
  block: "b",
  unknown: "?",
};

/** `drwxr-xr-x`, as ls(1); question marks for what is not known. */
export const modeText = (type: FileType, mode: number | null): string => {
  if (mode === null) return `${kinds[type]}?????????`;
  const three = (shift: number, set: number, letter: string): string => {
    const bits = mode >> shift;
    const last = (mode & set) === 0 ? (bits & 1 ? "x" : "-") : bits & 1 ? letter : letter.toUpperCase();
    return `${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${last}`;
  };
  return `${kinds[type]}${three(6, 0o4000, "s")}${three(3, 0o2000, "s")}${three(0, 0o1000, "t")}`;
};
