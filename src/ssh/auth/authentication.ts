import type { ParsedKey } from "ssh2";
import ssh2 from "ssh2";
import { SshMcpError } from "../../core/errors.ts";
import type { Ask } from "../../core/session.ts";
import type { Identity } from "./identities.ts";

/** Passwords, and rounds of keyboard-interactive from the start, as ssh(1)'s NumberOfPasswordPrompts has it. */
const passwordTries = 3;
/** Information requests of one keyboard-interactive attempt, and prompts in one request: no honest server needs more. */
const roundLimit = 16;
const promptLimit = 16;
/** A login of several steps (RFC 4252, section 5.1, "partial success") has at most this many. */
const stepLimit = 8;

export interface AuthOptions {
  user: string;
  /** Read when the server first allows publickey. */
  identities: () => Promise<Identity[]>;
  ask: Ask;
  /** The host as it was typed, for the password prompt. */
  host: string;
  /** For questions and hints, see Question. */
  destination: string;
  connectCommand: string;
}

type Attempt = ssh2.AnyAuthMethod;

/**
 * The login, in ssh(1)'s order on one connection: none, publickey, keyboard-interactive, password; again from publickey after each partial
 * success. ssh2 asks for the next attempt; the server's answer to the last one arrives through `failed` before it does.
 */
export class Authentication {
  readonly #options: AuthOptions;
  readonly #attempts: AsyncGenerator<Attempt, void>;
  #identities: Promise<Identity[]> | null = null;
  #allowed: readonly string[] = [];
  #partial = false;
  #method = "none";
  /** The passphrase that nobody was there to type: what the login failed of, if nothing else helps. */
  #unasked: SshMcpError | null = null;
  #failure: SshMcpError | null = null;

  constructor(options: AuthOptions) {
    this.#options = options;
    this.#attempts = this.#plan();
  }

  /** The RFC 4252 method of the attempt under way, which is the one that succeeded once the login is through. */
  get method(): string {
    return this.#method;
  }

  /** Why the login failed, once there is nothing left to try. */
  get failure(): SshMcpError {
    // Where a passphrase and a password would both do, the key was there first.
    if (this.#failure?.code === "AUTH_REQUIRED" && this.#unasked !== null) return this.#unasked;
    return this.#failure ?? this.#unasked ?? this.#denied();
  }

  /** Takes the server's USERAUTH_FAILURE (RFC 4252, section 5.1). */
  failed(allowed: readonly string[], partial: boolean): void {
    this.#allowed = allowed;
    this.#partial = partial;
  }

  /** ssh2's authHandler: the next attempt, or false when the login has failed. */
  next(deliver: (attempt: Attempt | false) => void): void {
    this.#attempts.next().then(
      ({ value, done }) => {
        if (done === true) return deliver(false);
        this.#method = value.type === "agent" ? "publickey" : value.type;
        deliver(value);
      },
      (error: unknown) => {
        this.#failure = error instanceof SshMcpError ? error : this.#denied(error);
        deliver(false);
      },
    );
  }

  async *#plan(): AsyncGenerator<Attempt, void> {
    yield { type: "none", username: this.#options.user };
    for (let step = 0; step < stepLimit; step++) {
      yield* this.#step();
      if (!this.#partial) return;
      this.#partial = false;
    }
  }

  /** One step of the login: every method the server allows, until it reports partial success. */
  async *#step(): AsyncGenerator<Attempt, void> {
    if (this.#allowed.includes("publickey")) {
      this.#identities ??= this.#options.identities();
      for (const identity of await this.#identities) {
        if (!this.#allowed.includes("publickey")) break;
        if (!(await this.#offers(identity))) continue;
        yield { type: "agent", username: this.#options.user, agent: new SingleKeyAgent(identity, this.#noteUnasked) };
        if (this.#partial) return;
      }
    }
    for (let tries = 0; tries < passwordTries && this.#allowed.includes("keyboard-interactive"); tries++) {
      yield this.#keyboardInteractive();
      if (this.#partial) return;
    }
    for (let tries = 0; tries < passwordTries && this.#allowed.includes("password"); tries++) {
      const text = `${tries > 0 ? "Permission denied, please try again.\n" : ""}${this.#options.user}@${this.#options.host}'s password: `;
      const password = await this.#ask("password", text, false);
      yield { type: "password", username: this.#options.user, password };
      if (this.#partial) return;
    }
  }

  async #offers(identity: Identity): Promise<boolean> {
    try {
      return (await identity.publicKey()) !== null;
    } catch (error) {
      this.#noteUnasked(error);
      return false;
    }
  }

  readonly #noteUnasked = (error: unknown): void => {
    if (error instanceof SshMcpError) this.#unasked ??= error;
  };

  #keyboardInteractive(): Attempt {
    let rounds = 0;
    return {
      type: "keyboard-interactive",
      username: this.#options.user,
      prompt: (name, instructions, _language, prompts, finish) => {
        const answer = async (): Promise<string[]> => {
          if (++rounds > roundLimit || prompts.length > promptLimit) {
            throw new SshMcpError("PROTOCOL_ERROR", "the server asks without end (keyboard-interactive)");
          }
          const answers: string[] = [];
          for (const [index, prompt] of prompts.entries()) {
            const intro = index === 0 ? [name, instructions].filter((text) => text !== "") : [];
            const text = [...intro, prompt.prompt].join("\n");
            answers.push(await this.#ask("keyboard-interactive", text, prompt.echo === true));
          }
          return answers;
        };
        answer().then(finish, (error: unknown) => {
          this.#failure ??= error instanceof SshMcpError ? error : this.#denied(error);
          this.onGiveUp();
        });
      },
    };
  }

  /** Set by the connection: ends the login at once, for a question that ssh2 still waits to have answered. */
  onGiveUp: () => void = () => undefined;

  #ask(kind: "password" | "keyboard-interactive", text: string, echo: boolean): Promise<string> {
    const { ask, destination, connectCommand } = this.#options;
    const wanted = kind === "password" ? "a password" : "an answer from a person";
    return ask({ kind, text: text.slice(0, 8192), echo, destination, wanted, connectCommand });
  }

  #denied(cause?: unknown): SshMcpError {
    const { user, host, connectCommand } = this.#options;
    const allowed = this.#allowed.length === 0 ? "" : ` (${this.#allowed.join(",")})`;
    return new SshMcpError("AUTH_FAILED", `${user}@${host}: permission denied${allowed}`, {
      cause,
      hint: connectCommand,
    });
  }
}

/** ssh2 signs with files only synchronously and with a passphrase known beforehand; as an agent, a key may ask when its turn comes. */
class SingleKeyAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly #identity: Identity;
  readonly #failed: (error: unknown) => void;

  constructor(identity: Identity, failed: (error: unknown) => void) {
    super();
    this.#identity = identity;
    this.#failed = failed;
  }

  override getIdentities(deliver: ssh2.IdentityCallback<ParsedKey>): void {
    this.#identity.publicKey().then(
      (key) => deliver(null, key === null ? [] : [key]),
      (error: Error) => deliver(error),
    );
  }

  override sign(
    _key: ParsedKey,
    data: Buffer,
    options: ssh2.SigningRequestOptions | ssh2.SignCallback,
    deliver?: ssh2.SignCallback,
  ): void {
    const done = typeof options === "function" ? options : deliver;
    this.#identity.sign(data, typeof options === "function" ? {} : options).then(
      (signature) => done?.(null, signature),
      (error: Error) => {
        this.#failed(error);
        done?.(error);
      },
    );
  }
}
