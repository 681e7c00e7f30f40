/**
 * The keychain of the person's system, where they keep what a login takes. It is looked into by a process of its own, in the world of whoever calls: the
 * session bus is theirs, a keychain that asks to be unlocked can be given up, and its libraries stay out of the broker.
 */
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { selfCommand } from "../../files/self.ts";
import type { DialScope } from "./dial.ts";
import { runLimited } from "./limited-command.ts";

export type KeychainWork =
  | { work: "get"; account: string }
  | { work: "set"; account: string; secret: string }
  | { work: "remove"; account: string };

/** What the process prints: of `get` what is kept, if anything; of `remove` whether there was something. */
export type KeychainReply = { secret: string | null } | { removed: boolean } | { error: string };

export type KeychainScope = Pick<DialScope, "caller" | "variables" | "signal">;

/** Unlocking it may take a person. */
const usualLimitMs = 60_000;

/** What a session bus and the dialog of a keychain are found by. */
const wanted = [
  ...["HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY"],
  ...["DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "XDG_CURRENT_DESKTOP", "PATH"],
];

/** @returns null when nothing is kept there, when there is no keychain, and when it is not opened in time */
export const keptSecret = async (
  account: string,
  scope: KeychainScope,
  limitMs = usualLimitMs,
): Promise<string | null> => {
  const environment = await scope.variables(wanted);
  if (!mayHaveKeychain(environment)) return null;
  const reply = await ask({ work: "get", account }, environment, scope, limitMs);
  return reply !== null && "secret" in reply ? reply.secret : null;
};

/** @throws SshMcpError UNSUPPORTED where there is no keychain, PRECONDITION_FAILED where it is locked, CANCELED */
export const keepSecret = async (account: string, secret: string, scope: KeychainScope): Promise<void> => {
  await mustDo({ work: "set", account, secret }, scope);
};

/** @returns whether there was one. @throws as `keepSecret` */
export const forgetSecret = async (account: string, scope: KeychainScope): Promise<boolean> => {
  const reply = await mustDo({ work: "remove", account }, scope);
  return "removed" in reply && reply.removed;
};

/** What libsecret says of a collection that nobody unlocked, and of a person who would not. */
const isLocked = /\blocked\b|dismissed|interaction is not allowed/i;

const mustDo = async (work: KeychainWork, scope: KeychainScope): Promise<KeychainReply> => {
  const environment = await scope.variables(wanted);
  const reply = mayHaveKeychain(environment)
    ? await ask(work, environment, scope)
    : { error: "there is no session bus: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set" };
  if (reply !== null && !("error" in reply)) return reply;
  const why = reply === null ? "it did not answer" : escapeLine(reply.error);
  if (isLocked.test(why)) {
    throw new SshMcpError("PRECONDITION_FAILED", `the keychain is locked, and nobody unlocked it (${why})`, {
      hint: process.platform === "darwin" ? "security unlock-keychain" : "gnome-keyring-daemon --unlock",
    });
  }
  throw new SshMcpError("UNSUPPORTED", `there is no keychain here that keeps a secret (${why}); nothing was written`, {
    hint:
      process.platform === "linux"
        ? "sudo apt-get install gnome-keyring libsecret-1-0 dbus-user-session"
        : "ssh-mcp secret set --help",
  });
};

/** On Linux it is a service on the session bus. */
const mayHaveKeychain = (environment: Readonly<Record<string, string>>): boolean =>
  process.platform !== "linux" ||
  environment["DBUS_SESSION_BUS_ADDRESS"] !== undefined ||
  environment["XDG_RUNTIME_DIR"] !== undefined;

/** @returns null when it did not answer. @throws SshMcpError CANCELED */
const ask = async (
  work: KeychainWork,
  environment: Readonly<Record<string, string>>,
  { signal }: KeychainScope,
  limitMs = usualLimitMs,
): Promise<KeychainReply | null> => {
  const words = selfCommand("broker", "keychain");
  const end = await runLimited({ words, environment, cwd: "/", input: JSON.stringify(work), limitMs }, signal);
  if (end.how === "canceled") throw new SshMcpError("CANCELED", "the keychain was not waited for");
  try {
    return JSON.parse(end.stdout) as KeychainReply;
  } catch {
    return null;
  }
};
