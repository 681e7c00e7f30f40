/** Where the passwords for sudo and su on a session come from: what is held for the place it leads to, the keychain, `passwordCommand`, a person. */
import { hostSettings } from "../../config/host-settings.ts";
import type { CallScope } from "../../core/call-scope.ts";
import type { Become } from "../../core/command-form.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shortened } from "../../core/escape.ts";
import type { Caller } from "../../core/operation.ts";
import { quoteWords } from "../../core/quote.ts";
import type { BecomePassword } from "../../ssh/commands/become-program.ts";
import { currentSettings } from "../logins/current-settings.ts";
import { planAgain } from "../logins/dial-plan.ts";
import { keptSecret } from "../logins/keychain.ts";
import { passwordFrom } from "../logins/password-command.ts";
import { accountOf } from "../logins/secret-sources.ts";
import { isMadeOnce } from "../logins/session-identity.ts";
import type { NamedTurns } from "./named-turns.ts";
import type { SessionFacts } from "./session-facts.ts";
import type { SessionSecrets } from "./session-secrets.ts";

/** What a source may take for a call that no person waits for, and otherwise, in milliseconds: it may ask a person itself. */
const modelsMs = 20_000;
const longestMs = 60_000;
/** Characters: what is longer is no password. */
const longestPassword = 4096;

export interface BecomeParts {
  facts: SessionFacts;
  secrets: SessionSecrets;
  /** Where the command goes, see `placeOf`. */
  place: string;
  /** The host as it was typed, by which config.toml knows it. */
  typedHost: string;
  /** For passwords that are not known to be right. */
  turns: NamedTurns;
  /** See `RegistryOptions`. */
  hintPrefix: string;
}

export interface Found extends Pick<BecomePassword, "of" | "password"> {
  /** For messages. */
  source: string;
  isTyped: boolean;
  /** Whether whoever may use the session may use it, too; a person's own otherwise. */
  isForAll: boolean;
}

/** @param of whose is wanted */
export type Source = (of: string, become: Become, parts: BecomeParts, scope: CallScope) => Promise<Found>;

/**
 * The server that a password may go to: what the session leads to, and what it has proved to be.
 * @param key the session's identity, see `DialPlan`; @param hostKey fingerprint
 */
export const placeOf = (key: string, hostKey: string): string => `${key} ${hostKey}`;

/** Under which the password is held that the login itself took. */
export const loginName = (user: string, place: string): string => `login ${place} ${user}`;

/** Under which those are held and known that sudo and su take. */
export const nameFor = (of: string, { place }: Pick<BecomeParts, "place">): string => `sudo ${place} ${of}`;

/** The same for what a person typed for a command of their own. */
const ownNameFor = (of: string, { place }: BecomeParts): string => `own sudo ${place} ${of}`;

const whoseName = ({ by, user }: Become, { place }: BecomeParts): string => `whose ${by} ${place} ${user}`;

/** Whose password it is, as far as is known before anybody asked. */
export const ownerOf = (become: Become, parts: BecomeParts): string =>
  parts.secrets.recall(whoseName(become, parts)) ?? defaultOwner(become, parts);

const defaultOwner = ({ by, user }: Become, { facts }: BecomeParts): string =>
  by === "su" ? user : facts.resolved.user;

/** Notes whose password it is: sudoers may say that it is not the login's (targetpw). */
export const noteOwner = (become: Become, of: string, parts: BecomeParts): void =>
  parts.secrets.hold(whoseName(become, parts), of);

/** Holds what was typed and was right. */
export const holdTyped = ({ of, password, isForAll }: Found, parts: BecomeParts): void =>
  parts.secrets.hold(isForAll ? nameFor(of, parts) : ownNameFor(of, parts), password);

/**
 * Whether a call gets the login's password and what is stored for it. An agent's asks for it with a program that whoever runs commands as the same user
 * may have put in sudo's place: it gets what a person gave for that very use, unless config.toml says otherwise.
 */
const getsLogins = ({ typedHost }: BecomeParts, { face }: Caller): boolean =>
  face !== "mcp" || hostSettings(currentSettings(), typedHost).sudo;

/** What is held and was not refused. An agent gets nothing that a person typed for themselves. */
export const heldFor = (become: Become, parts: BecomeParts, caller: Caller): Found | null => {
  const { secrets, place } = parts;
  const of = ownerOf(become, parts);
  const places = [
    ...(caller.face === "mcp" ? [] : [{ name: ownNameFor(of, parts), source: "what is held with the session" }]),
    { name: nameFor(of, parts), source: "what is held with the session" },
    ...(getsLogins(parts, caller) ? [{ name: loginName(of, place), source: "the login" }] : []),
  ];
  for (const { name, source } of places) {
    const password = secrets.recall(name);
    if (password === null || secrets.wasRefused(nameFor(of, parts), password)) continue;
    return { of, password, source, isTyped: false, isForAll: true };
  }
  return null;
};

/** Forgets what is held for it, the login's own password for that use as well. @returns whether there was something */
export const relocked = (become: Become, parts: BecomeParts): boolean => {
  const of = ownerOf(become, parts);
  const names = [ownNameFor(of, parts), nameFor(of, parts), loginName(of, parts.place)];
  return names.map((name) => parts.secrets.forget(name)).some(Boolean);
};

/** All but what is held. */
export const allSources: Source = async (of, become, parts, scope) => {
  const { secrets } = parts;
  const isNew = (password: string | null): password is string =>
    password !== null && isPassword(password) && !secrets.wasRefused(nameFor(of, parts), password);
  for (const { source, read } of getsLogins(parts, scope.caller) ? await stores(of, parts, scope) : []) {
    const password = await read();
    if (isNew(password)) return { of, password, source, isTyped: false, isForAll: true };
  }
  return { ...(await askPerson(of, become, parts, scope)), isForAll: false };
};

interface Store {
  source: string;
  read(): Promise<string | null>;
}

/** Of the place that the session leads to: another's password is not sent there. */
const stores = async (of: string, { facts }: BecomeParts, scope: CallScope): Promise<Store[]> => {
  if (isMadeOnce(facts.request)) return [];
  const plan = await planAgain(facts, scope);
  if (plan.key !== facts.key) return [];
  const isModel = scope.caller.face === "mcp";
  const limitMs = isModel ? modelsMs : longestMs;
  const account = accountOf({ ...plan, resolved: { ...plan.resolved, user: of } });
  const { passwordCommand } = plan.settings;
  const printed = async (command: string): Promise<string | null> => {
    try {
      return await passwordFrom(command, plan.typedHost, { ...scope, limitMs, isBrief: isModel });
    } catch (error) {
      if (!(error instanceof SshMcpError) || error.code !== "PRECONDITION_FAILED") throw error;
      if (!isModel) scope.notice(error.message);
      return null;
    }
  };
  return [
    { source: "the keychain", read: () => keptSecret(account, scope, limitMs) },
    // It prints the login's.
    ...(passwordCommand === null || of !== plan.resolved.user
      ? []
      : [{ source: "passwordCommand of config.toml", read: () => printed(passwordCommand) }]),
  ];
};

/**
 * A person gives it to all who may use the session.
 * @param otherwise what an empty answer stands for; null or absent for nothing
 * @throws SshMcpError AUTH_REQUIRED when nobody gives one, INVALID_INPUT for what is no password
 */
export const askPerson = async (
  of: string,
  become: Become,
  parts: BecomeParts,
  scope: CallScope,
  otherwise: string | null = null,
): Promise<Found> => {
  const { facts } = parts;
  const { by } = become;
  const destination = facts.request.destination;
  const whose = shownOwner(of);
  const hint = commandFor(become, parts, scope.caller);
  const nobody = new SshMcpError(
    "AUTH_REQUIRED",
    `${by} on ${facts.name} wants a password, and nobody gave it; the command was not run`,
    { hint },
  );
  if (!scope.asks) throw nobody;
  const text = `[${by}] password of ${whose} on ${shortened(destination, 200)}: `;
  const answer = await scope
    .ask({ kind: "password", text, echo: false, destination, wanted: "a password", connectCommand: hint })
    .catch((error: unknown) => {
      throw error instanceof SshMcpError && error.code === "AUTH_REQUIRED" ? nobody : error;
    });
  const password = answer === "" && otherwise !== null ? otherwise : answer;
  if (isPassword(password)) return { of, password, source: "you", isTyped: true, isForAll: true };
  throw new SshMcpError("INVALID_INPUT", "that is no password: it is empty, too long, or has more than one line", {
    hint,
  });
};

/** The server says whose it is. */
export const shownOwner = (of: string): string => shortened(of, 80);

const isPassword = (text: string): boolean => text !== "" && text.length <= longestPassword && !/[\0\r\n]/.test(text);

/** A person types it where the session is; a model's person may be anywhere. */
export const commandFor = ({ by, user }: Become, { facts, hintPrefix }: BecomeParts, { face }: Caller): string => {
  const flags = [...(by === "su" ? ["--become", "su"] : []), ...(user === "root" ? [] : ["--user", user])];
  return `${face === "mcp" ? hintPrefix : ""}${quoteWords(["ssh-mcp", "sudo", ...flags, facts.name])}`;
};
