/** A question that only a person can answer. Texts from the server are untrusted: escape them where they are shown. */
export interface Question {
  kind: "password" | "passphrase" | "keyboard-interactive" | "host-key";
  /** What to show: one or more lines, without a trailing newline. */
  text: string;
  /** Whether the typed answer may be shown. */
  echo: boolean;
  /** The parsed destination the question is about, in canonical form. */
  destination: string;
}

/** A question as a login asks it. */
export interface LoginQuestion extends Question {
  /** What it is about, for messages: `a password`, `the passphrase of FILE`; the type and fingerprint of a host key. */
  wanted: string;
  /** The command by which a person answers it at a terminal, quoted for a shell: the hint when nobody can be asked. */
  connectCommand: string;
  /** Of a prompt that a server wrote (keyboard-interactive): whether it is the only one of its round. */
  isOnlyPrompt?: boolean;
  /** Where such a prompt begins in the text: what the server says of it stands before. */
  promptAt?: number;
  /** What the server showed of itself before it asked (RFC 4252, section 5.4); a person reads it once in a login. */
  banner?: string;
  /** Absolute path of the key that a passphrase is for. */
  keyFile?: string;
  /** Whether it asks for leave to do something, and the answer is no secret. */
  asksLeave?: boolean;
}

/**
 * Asks the calling face. Rejects with AUTH_REQUIRED, or HOST_KEY_UNKNOWN for a host key, when nobody can answer; with CANCELED when `withdrawn`
 * aborts: the answer came from elsewhere.
 */
export type Ask = (question: LoginQuestion, withdrawn?: AbortSignal) => Promise<string>;
