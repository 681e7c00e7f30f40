/** What a session holds of the secrets that people typed at its logins, as a login sees it. */
import type { LoginQuestion } from "../../core/question.ts";

export interface HeldSecrets {
  /** @param name what it answers: kind, account, and for a server's own prompt its words */
  recall(name: string): string | null;
  /** It was wrong, or is not wanted any more. @returns whether there was one */
  forget(name: string): boolean;
}

/** A login's share in it: what it may answer with, and what it learned from a person. */
export interface LoginSecrets {
  /** Null where nothing is answered from memory: something in the login cannot be. */
  held: HeldSecrets | null;
  /** What a person typed, by the name of what it answers. */
  readonly typed: Map<string, string>;
  /** Set when a person answered what cannot be answered twice. */
  hasUnheld: boolean;
  /** Set when something was answered from memory. */
  wasRecalled: boolean;
}

/**
 * The name under which an answer is held: it answers the same question of the same host and user alone, and a server's only while that proves itself
 * with the same key.
 * @param account see `accountOf` and `keyAccountOf`
 * @param hostKey null before the server has shown one
 * @returns null for what is not to be answered twice: codes, and whatever is no plain prompt for a password
 */
export const heldName = (
  { kind, text, echo }: LoginQuestion,
  account: string | null,
  hostKey: string | null,
): string | null => {
  if (account === null || echo) return null;
  if (kind === "passphrase") return `passphrase ${account}`;
  if (hostKey === null) return null;
  if (kind === "password") return `password ${account} ${hostKey}`;
  const prompt = text.trimEnd().split("\n").at(-1) ?? "";
  return plainPrompt.test(prompt) ? `prompt ${account} ${hostKey} ${prompt}` : null;
};

/** `Password:`, as PAM asks for it, and as others say whose. */
const plainPrompt = /^(\S+'s )?password(?: (?:for|of) \S+)?\s*:?$/i;

/** Of what was typed, the password of an account. */
export const passwordOf = (account: string, typed: ReadonlyMap<string, string>): string | null =>
  [...typed].find(([name]) =>
    [`password ${account} `, `prompt ${account} `].some((one) => name.startsWith(one)),
  )?.[1] ?? null;
