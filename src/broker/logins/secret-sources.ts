/**
 * Where the secrets of a login come from before a person is asked: what the session holds of its last one, `passwordCommand` of config.toml, then the
 * keychain. Nothing of the latter is kept, and each is tried once in a login: what a server has refused is not sent again.
 */
import { posix } from "node:path";
import { formatDestination } from "../../core/destination.ts";
import { SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { changesPassword, wantsOther } from "../../core/password-prompts.ts";
import type { LoginQuestion } from "../../core/question.ts";
import type { DialScope } from "./dial.ts";
import { promptHost } from "./dial-identities.ts";
import type { DialPlan } from "./dial-plan.ts";
import { heldName } from "./held-secrets.ts";
import { keptSecret } from "./keychain.ts";
import { passwordFrom } from "./password-command.ts";
import { unanswered } from "./unanswered.ts";

/** The part of a plan that secrets depend on: a jump host has its own. */
export type SecretPlan = Pick<DialPlan, "settings" | "typedHost"> & {
  resolved: Pick<DialPlan["resolved"], "user" | "hostname" | "port" | "hostKeyAlias" | "batchMode">;
};

/** What the keychain files a login's password under: the user, and the server as known_hosts proves it. */
export const accountOf = ({ resolved: { user, hostname: host, port, hostKeyAlias } }: SecretPlan): string =>
  `${formatDestination({ user, host, port })}${hostKeyAlias === null ? "" : ` (${hostKeyAlias})`}`;

/** The same for the passphrase of a key, however the way to it is written. @param path absolute */
export const keyAccountOf = (path: string): string => `key ${posix.normalize(path)}`;

interface SecretScope extends Pick<DialScope, "caller" | "variables" | "signal" | "ask" | "isForModels" | "memory"> {
  /** Called when a source takes long: others need not wait in line for it. */
  leave(): void;
}

/** What the sources of all servers on the way may take together for a call that no person waits for, in milliseconds: its own client gives up soon. */
export const sourcesMs = 20_000;
/** What one may take otherwise: it may ask a person itself, as the agent of a password store does. */
const longestMs = 60_000;
/** Characters of a login banner that are shown with a question; the whole comes with the result. */
const longestBanner = 8192;
/** A source that takes longer than this waits for a person. */
const programMs = 1000;

const memorySource = "what is held with the session";

/** Asks the sources of a host, then the person. For one login to one host. */
export class SecretSources {
  readonly #plan: SecretPlan;
  readonly #scope: SecretScope;
  readonly #budget: { leftMs: number };
  /** What each source gave, by what it was for. */
  readonly #given = new Map<string, { source: string; question: LoginQuestion }>();
  /** What went wrong with a source: said to the person once, and to whoever cannot be asked. */
  #problem: string | null = null;
  #askedPerson = false;
  #showedBanner = false;
  /** Fingerprint of the key that the server has shown; a session's secrets are for that one alone. */
  hostKey: string | null = null;

  /** @param budget what is left of `sourcesMs` */
  constructor(plan: SecretPlan, scope: SecretScope, budget: { leftMs: number }) {
    this.#plan = plan;
    this.#scope = scope;
    this.#budget = budget;
  }

  /** Whether a person gave a secret. */
  get askedPerson(): boolean {
    return this.#askedPerson;
  }

  /** @throws SshMcpError as `Ask`; AUTH_FAILED when the server refused what a source gave, and nobody is there to give another */
  async ask(question: LoginQuestion, withdrawn?: AbortSignal): Promise<string> {
    const secret = await this.#fromSources(question);
    if (secret !== null) return secret;
    if (this.#plan.resolved.batchMode) throw unanswered(question);
    const refused = this.#refused(question);
    const note = refused ?? this.#problem;
    this.#problem = null;
    // Written here, or escaped.
    const text = [...this.#bannerOf(question), ...(note === null ? [] : [note]), this.#named(question)].join("\n");
    try {
      const answer = await this.#scope.ask({ ...question, text }, withdrawn);
      if (question.kind !== "host-key" && question.asksLeave !== true) this.#learn(question, answer);
      return answer;
    } catch (error) {
      if (note === null || !(error instanceof SshMcpError) || error.code !== "AUTH_REQUIRED") throw error;
      const hint = error.hint ?? question.connectCommand;
      // The server counts it: a model that tries again and again locks its user out.
      if (refused !== null && question.kind !== "passphrase") throw new SshMcpError("AUTH_FAILED", refused, { hint });
      throw new SshMcpError("AUTH_REQUIRED", `${error.message}; ${note}`, { hint, cause: error });
    }
  }

  #learn(question: LoginQuestion, answer: string): void {
    this.#askedPerson = true;
    const { memory } = this.#scope;
    const name = this.#nameOf(question);
    if (memory === undefined) return;
    if (name === null) memory.hasUnheld = true;
    else memory.typed.set(name, answer);
  }

  #nameOf(question: LoginQuestion): string | null {
    return heldName(question, accountFor(question, this.#plan), this.hostKey);
  }

  #recall(question: LoginQuestion, account: string): string | null {
    const { memory } = this.#scope;
    const name = this.#nameOf(question);
    const held = name === null ? null : (memory?.held?.recall(name) ?? null);
    if (held === null || memory === undefined) return null;
    memory.wasRecalled = true;
    this.#given.set(account, { source: memorySource, question });
    return held;
  }

  /** A server's own prompt does not say which one asks: there may be several on the way. As ssh(1) has it. */
  #named({ kind, text, isOnlyPrompt, promptAt = 0 }: LoginQuestion): string {
    if (kind !== "keyboard-interactive" || isOnlyPrompt === undefined) return text;
    const { resolved } = this.#plan;
    return `${text.slice(0, promptAt)}(${resolved.user}@${promptHost(resolved)}) ${text.slice(promptAt)}`;
  }

  /** ssh(1) shows it before it asks for anything: a person may have to read it first. Once, and no longer than a screen takes. */
  #bannerOf({ kind, banner }: LoginQuestion): string[] {
    if (banner === undefined || kind === "host-key" || this.#showedBanner) return [];
    this.#showedBanner = true;
    return [banner.slice(0, longestBanner).trimEnd()];
  }

  async #fromSources(question: LoginQuestion): Promise<string | null> {
    const account = accountFor(question, this.#plan);
    if (account === null || this.#given.has(account)) return null;
    const held = this.#recall(question, account);
    if (held !== null) return held;
    const { settings, typedHost } = this.#plan;
    const { passwordCommand } = settings;
    if (this.#limitMs <= 0) {
      this.#problem = "what else was to give a secret on the way has taken all of the time";
      return null;
    }
    if (passwordCommand !== null && question.kind !== "passphrase") {
      try {
        const password = await this.#inTime((limitMs) =>
          passwordFrom(passwordCommand, typedHost, { ...this.#scope, limitMs, isBrief: this.#reachesModels }),
        );
        this.#given.set(account, { source: "passwordCommand of config.toml", question });
        return password;
      } catch (error) {
        if (!(error instanceof SshMcpError) || error.code !== "PRECONDITION_FAILED") throw error;
        this.#problem = error.message;
      }
    }
    if (this.#limitMs <= 0) return null;
    const kept = await this.#inTime((limitMs) => keptSecret(account, this.#scope, limitMs));
    // Also when there is none: it is not looked for again.
    this.#given.set(account, { source: kept === null ? "" : "the keychain", question });
    return kept;
  }

  get #reachesModels(): boolean {
    return this.#scope.caller.face === "mcp" || this.#scope.isForModels();
  }

  get #limitMs(): number {
    return this.#scope.isForModels() ? Math.min(longestMs, this.#budget.leftMs) : longestMs;
  }

  /** Asks a source, which may take so many milliseconds. */
  async #inTime<T>(ask: (limitMs: number) => Promise<T>): Promise<T> {
    const startedAt = performance.now();
    const timer = setTimeout(() => this.#scope.leave(), programMs);
    try {
      return await ask(this.#limitMs);
    } finally {
      clearTimeout(timer);
      this.#budget.leftMs -= performance.now() - startedAt;
    }
  }

  /** Says that what a source gave was not what was wanted: the same is asked again. Null when nothing says so. */
  #refused(question: LoginQuestion): string | null {
    const account = accountFor(question, this.#plan);
    const given = account === null ? undefined : this.#given.get(account);
    if (given === undefined || given.source === "" || !asksAgain(question, given.question)) return null;
    const name = this.#nameOf(question);
    if (given.source === memorySource && name !== null) this.#scope.memory?.held?.forget(name);
    if (question.kind === "passphrase") return `the passphrase from ${given.source} does not fit`;
    const where = escapeLine(`${this.#plan.resolved.user}@${this.#plan.typedHost}`);
    return `${where} did not take the password from ${given.source}`;
  }
}

/** What a source may answer: a question for a password, or for nothing but one thing that is typed unseen and is no code. */
const accountFor = (question: LoginQuestion, plan: SecretPlan): string | null => {
  switch (question.kind) {
    case "passphrase":
      return question.keyFile === undefined ? null : keyAccountOf(question.keyFile);
    case "password":
      return changesPassword.test(lastLine(question.text)) ? null : accountOf(plan);
    case "keyboard-interactive":
      return question.isOnlyPrompt === true && !question.echo && !wantsOther.test(lastLine(question.text))
        ? accountOf(plan)
        : null;
    default:
      return null;
  }
};

/** Above it there may be anything. */
const lastLine = (text: string): string => text.trimEnd().split("\n").at(-1) ?? "";

/** Another question of the same login may be its next step. */
const asksAgain = (question: LoginQuestion, before: LoginQuestion): boolean =>
  question.kind !== "keyboard-interactive" || question.text === before.text || /password/i.test(question.text);
