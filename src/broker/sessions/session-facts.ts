import { createHash } from "node:crypto";
import type { DialRequest } from "../../core/dial-request.ts";
import type { Caller } from "../../core/operation.ts";
import type { SessionInfo } from "../../core/session.ts";
import { recordVersion, type SessionRecord } from "../../store/session-record.ts";
import type { DialPlan } from "../logins/dial-plan.ts";
import { holdValues, withoutValues } from "../logins/option-secrets.ts";
import { defaultTtlMs } from "./session-expiry.ts";
import type { Place } from "./session-name.ts";

/** What is known of a session beside its connection. */
export interface SessionFacts {
  name: string;
  /** Whether a person's `connect` leads to it without the name: nobody chose it, and no other session was the same. Forgotten with the broker. */
  isFoundUnnamed: boolean;
  title: string | null;
  /** Idle time until the connection is closed; 0 is never. */
  ttlMs: number;
  openedBy: SessionInfo["openedBy"];
  lent: boolean;
  /** Whether a person wants it kept from agents; one that is private without that is lent by the next `connect`. */
  keptPrivate: boolean;
  createdAt: Date;
  /** See `DialPlan`. */
  request: DialRequest;
  /** Who wrote the request. A person who logs in to what an agent chose has not chosen it. */
  chosenBy: Caller["face"];
  key: string;
  /** What was dialled last, or is about to be. */
  resolved: Place;
  /** What the last login said; null before the first. */
  login: LoginFacts | null;
}

export interface LoginFacts {
  /** `SHA256:…` */
  hostKey: string;
  /** RFC 4252 method name that succeeded last. */
  authMethod: string;
  /** Whether a person answered a question for a secret, or gave what only one process could read, or what no disk keeps. */
  needsPerson: boolean;
}

/** What a new session is to be. */
export interface NewSession {
  name: string;
  /** See `SessionFacts`. */
  isFoundUnnamed: boolean;
  title: string | null;
  /** Null is the default. */
  ttlMs: number | null;
  lent: boolean;
  /** Whether it is kept from agents because a person wants it so. */
  isPrivate: boolean;
  createdAt: Date;
}

/** A session that was never open yet. */
export const newFacts = (plan: DialPlan, asked: NewSession, { face, client }: Caller): SessionFacts => {
  const { name, isFoundUnnamed, title, ttlMs, lent, isPrivate, createdAt } = asked;
  const { hostname: host, port, user } = plan.resolved;
  return {
    ...{ name, isFoundUnnamed, title, lent, createdAt },
    keptPrivate: isPrivate,
    ttlMs: ttlMs ?? defaultTtlMs,
    openedBy: { face, client },
    // The limit was for the caller's own login.
    request: { ...plan.request, timeoutMs: null },
    chosenBy: face,
    key: plan.key,
    resolved: { host, port, user, way: plan.way },
    login: null,
  };
};

/** Whether the caller opened it: an agent, under the same name and version. Every person is the same one. */
export const isOwn = ({ openedBy }: SessionFacts, caller: Caller): boolean => isSameCaller(openedBy, caller);

export const isSameCaller = (one: SessionInfo["openedBy"], other: SessionInfo["openedBy"]): boolean =>
  one.face === other.face && one.client === other.client;

/** Whether a caller may see, use and close it: an agent only what was lent to agents or what it opened itself. */
export const isFor = (facts: SessionFacts, caller: Caller): boolean =>
  caller.face === "cli" || facts.lent || isOwn(facts, caller);

/** Null for a session that was never open: it is none yet. */
export const recordOf = (facts: SessionFacts, lastUsedAt: Date): SessionRecord | null => {
  const { login, request, chosenBy, createdAt, name, title, ttlMs, openedBy, lent, keptPrivate, resolved } = facts;
  if (login === null) return null;
  const { destination, user, port, identityFiles, configFile } = request;
  const options = withoutValues(request.options);
  const key = holdValues(request.options) ? keyWithout(facts, options) : facts.key;
  // Written out, so that equal facts make equal text.
  return {
    version: recordVersion,
    ...{ key, name, title },
    request: { destination, user, port, identityFiles: [...identityFiles], configFile, options },
    chosenBy,
    resolved: { host: resolved.host, port: resolved.port, user: resolved.user },
    ...(resolved.way === "" ? {} : { way: resolved.way }),
    ...{ hostKey: login.hostKey, authMethod: login.authMethod },
    openedBy: { face: openedBy.face, client: openedBy.client },
    ...{ lent, keptPrivate },
    ...{ createdAt: createdAt.toISOString(), lastUsedAt: lastUsedAt.toISOString() },
    ...{ ttlMs, needsPerson: login.needsPerson },
  };
};

/** The session's own is made from the values too, and who has that could try out what they are. */
const keyWithout = ({ request, resolved }: SessionFacts, options: readonly string[]): string =>
  createHash("sha256")
    .update(JSON.stringify({ ...request, options, resolved }))
    .digest("hex");

export const factsOf = (record: SessionRecord): SessionFacts => {
  const { name, title, ttlMs, openedBy, lent, keptPrivate, createdAt, request, chosenBy, key } = record;
  const { hostKey, authMethod, needsPerson } = record;
  return {
    ...{ name, title, ttlMs, openedBy, lent, chosenBy, key },
    resolved: { ...record.resolved, way: record.way ?? "" },
    isFoundUnnamed: false,
    keptPrivate: keptPrivate && !lent,
    createdAt: new Date(createdAt),
    request: { ...request, timeoutMs: null },
    login: { hostKey, authMethod, needsPerson },
  };
};
