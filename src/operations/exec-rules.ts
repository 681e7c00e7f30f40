/** What the schema of `exec` leaves out. Nothing is sent when a rule is broken. */
import { isOwnVariable, isUserName } from "../core/command-form.ts";
import type { Issue } from "../core/operation.ts";
import { isSessionName } from "../core/target.ts";
import { backgroundIssues } from "./exec-background.ts";
import type { ExecInput } from "./exec-input.ts";
import { waitIssues } from "./waiting.ts";

/** Bytes of a script, and of input in a field: with all that is around them they fit into one message to the broker. */
const longestText = 512 * 1024;
const longestBase64 = 4 * Math.ceil(longestText / 3);
const mostVariables = 256;
/** Bytes of all variables together; what one takes beside the others is the server's limit (execve(2)). */
const longestVariables = 64 * 1024;
const longestPath = 4096;
const mostWords = 4096;
const longestSeconds = 24 * 60 * 60;
const mostOutput = 4 * 1024 * 1024;

type Field = keyof ExecInput;

export const execIssues = (input: ExecInput): Issue[] => [
  ...targetIssues(input),
  ...waitIssues(input.wait),
  ...commandIssues(input),
  ...environmentIssues(input),
  ...stdinIssues(input),
  ...shellIssues(input),
  ...limitIssues(input),
  ...combinationIssues(input),
  ...(typeof input.sudo === "string" && !isUserName(input.sudo) ? [issue("sudo", "is no name of a user")] : []),
  ...backgroundIssues(input),
];

const issue = (field: Field, message: string): Issue => ({ field, message });

const targetIssues = ({ target }: ExecInput): Issue[] => {
  if (target === "") return [issue("target", "is empty")];
  return target.length > 1024 ? [issue("target", "must be at most 1024 characters long")] : [];
};

/** @returns what is wrong, or nothing */
const textIssues = (field: Field, text: string | undefined, most: number): Issue[] => {
  if (text === undefined) return [];
  if (text.includes("\0")) return [issue(field, "cannot hold a NUL byte")];
  return Buffer.byteLength(text) > most ? [issue(field, `must be at most ${most} bytes`)] : [];
};

const commandIssues = ({ command, argv }: ExecInput): Issue[] => {
  if (command !== undefined && argv !== undefined) return [issue("argv", "cannot be given together with command")];
  if (command === undefined && argv === undefined) return [issue("command", "is required, or argv")];
  if (command?.trim() === "") return [issue("command", "is empty")];
  if (argv !== undefined && (argv[0] ?? "") === "") return [issue("argv", "must begin with a command")];
  if (argv !== undefined && argv.length > mostWords) return [issue("argv", `must be at most ${mostWords} words`)];
  return [...textIssues("command", command, longestText), ...textIssues("argv", argv?.join(" "), longestText)];
};

const environmentIssues = ({ cwd, env = {} }: ExecInput): Issue[] => {
  const names = Object.keys(env);
  const own = names.find(isOwnVariable);
  const wrong = names.find((name) => !/^[A-Za-z_][A-Za-z0-9_]{0,254}$/.test(name));
  return [
    ...(cwd === "" ? [issue("cwd", "is empty")] : textIssues("cwd", cwd, longestPath)),
    ...(names.length > mostVariables ? [issue("env", `must be at most ${mostVariables} variables`)] : []),
    ...(own === undefined
      ? []
      : [issue("env", `${own.slice(0, 80)} is a name that ssh-mcp uses itself on the server`)]),
    ...(wrong === undefined ? [] : [issue("env", `${JSON.stringify(wrong.slice(0, 80))} is no name of a variable`)]),
    ...textIssues("env", Object.values(env).join("="), longestVariables),
  ];
};

const stdinIssues = ({ stdin, stdinBase64 }: ExecInput): Issue[] => {
  if (stdin !== undefined && stdinBase64 !== undefined)
    return [issue("stdinBase64", "cannot be given together with stdin")];
  if (stdin !== undefined && Buffer.byteLength(stdin) > longestText)
    return [issue("stdin", `must be at most ${longestText} bytes`)];
  if (stdinBase64 === undefined) return [];
  const tooLong = issue("stdinBase64", `must be at most ${longestText} bytes`);
  if (stdinBase64.length > longestBase64) return [tooLong];
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(stdinBase64) && stdinBase64.length % 4 === 0;
  if (!isBase64) return [issue("stdinBase64", "is not base64 (RFC 4648, section 4, with padding)")];
  return Buffer.byteLength(stdinBase64, "base64") > longestText ? [tooLong] : [];
};

const shellIssues = ({ shell }: ExecInput): Issue[] =>
  shell === undefined || isSessionName(shell)
    ? []
    : [issue("shell", "must be 1 to 64 of a-z 0-9 . _ -, a letter or digit first")];

const limitIssues = ({ timeout, idleTimeout, maxOutput }: ExecInput): Issue[] => {
  const isTime = (seconds: number | undefined): boolean =>
    seconds === undefined || (seconds > 0 && seconds <= longestSeconds);
  const isSize = maxOutput === undefined || (Number.isInteger(maxOutput) && maxOutput >= 0 && maxOutput <= mostOutput);
  const range = "must be more than 0 seconds and at most a day";
  return [
    ...(isTime(timeout) ? [] : [issue("timeout", range)]),
    ...(isTime(idleTimeout) ? [] : [issue("idleTimeout", range)]),
    ...(isSize ? [] : [issue("maxOutput", `must be a whole number from 0 to ${mostOutput}`)]),
  ];
};

/** Each field of the first list does not go with any of the second. */
const contradictions = (input: ExecInput): readonly [string, readonly Field[], readonly Field[]][] => [
  [
    "a lasting shell",
    input.shell === undefined ? [] : ["shell"],
    ["pty", "interpreter", "sudo", "become", "onTimeout", "cwd", "env", "stdin", "stdinBase64"],
  ],
  [
    `interpreter ${input.interpreter}`,
    isBare(input) ? ["interpreter"] : [],
    ["cwd", "env", "argv", "sudo", "become", "onTimeout"],
  ],
  [
    "interpreter powershell",
    input.interpreter === "powershell" ? ["interpreter"] : [],
    ["sudo", "become", "onTimeout", "pty"],
  ],
  ["a job", input.onTimeout === undefined ? [] : ["onTimeout"], ["pty"]],
];

/** What takes one line as it stands, and knows nothing of directories, variables or words. */
const isBare = ({ interpreter }: ExecInput): boolean => interpreter === "none" || interpreter === "cmd";

const combinationIssues = (input: ExecInput): Issue[] => [
  ...contradictions(input).flatMap(([what, given, others]) =>
    given.length === 0
      ? []
      : others.filter((field) => isGiven(input[field])).map((field) => issue(field, `does not go with ${what}`)),
  ),
  ...(input.become !== undefined && input.sudo === false ? [issue("become", "does not go with sudo: false")] : []),
  ...(input.interpreter === "cmd" && /[\r\n]/.test(input.command ?? "")
    ? [issue("command", "must be one line for cmd")]
    : []),
];

const isGiven = (value: unknown): boolean => value !== undefined && value !== false;
