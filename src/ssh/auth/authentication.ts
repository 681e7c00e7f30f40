import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import type { Ask } from "../../core/question.ts";
import { wireString } from "../wire-reader.ts";
import { datesOf } from "./certificate-file.ts";
import type { Identity } from "./identities.ts";
import { type AskQuestion, KeyboardInteractive, PasswordMethod } from "./password-methods.ts";
import { chooseAlgorithm, type KeyAlgorithms } from "./signature-algorithms.ts";
import { type Reply, requestBytes, type UserauthPort } from "./ssh2-userauth.ts";

/** A login of several steps (RFC 4252, section 5.1, "partial success") has at most this many. */
const stepLimit = 8;

/** What ssh_config says of the methods. */
export interface AuthMethods {
  /** RFC 4252 names of those that may be used, in the order to try. */
  preferred: readonly string[];
  /** Passwords, and beginnings of keyboard-interactive, in a login (NumberOfPasswordPrompts). */
  prompts: number;
}

export interface AuthOptions {
  user: string;
  methods: AuthMethods;
  algorithms: KeyAlgorithms;
  /** Read when the server first allows publickey. */
  identities: () => Promise<Identity[]>;
  ask: Ask;
  /** The host as it was typed, for messages. */
  host: string;
  /** The host as ssh(1) calls it where it asks for a password. */
  promptHost: string;
  /** For questions and hints, see Question. */
  destination: string;
  connectCommand: string;
  /** The command that tries what this login may not, where something was ruled out. */
  widerCommand: string;
}

/** The reply that ends an attempt. */
type Verdict = Extract<Reply, { kind: "success" | "failure" }>;

/**
 * The login, as ssh(1) goes about it on one connection: none, then the first method of PreferredAuthentications that the server allows and that
 * has something left to try; keys from the start again after each partial success.
 */
export class Authentication {
  readonly #options: AuthOptions;
  readonly #passwords: PasswordMethod;
  readonly #keyboard: KeyboardInteractive;
  readonly #spent = new Set<string>();
  /** Null until the server first allows publickey. */
  #identities: readonly Identity[] | null = null;
  #left: Identity[] = [];
  #allowed: readonly string[] = [];
  #steps = 0;
  #method = "none";
  #keysOffered = 0;
  readonly #notes = new Set<string>();
  /** The passphrase that nobody was there to type, or the key that was no use: what the login failed of, if nothing else helps. */
  #unasked: SshMcpError | null = null;
  #failure: SshMcpError | null = null;

  constructor(options: AuthOptions) {
    this.#options = options;
    const { user, promptHost: host, methods } = options;
    this.#passwords = new PasswordMethod({ user, host, tries: methods.prompts, ask: this.#ask });
    this.#keyboard = new KeyboardInteractive({ user, tries: methods.prompts, ask: this.#ask });
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

  /** What the server's own end of the connection means (RFC 4253, section 11.1). @param words the server's, untrusted */
  cutOff(words: string): SshMcpError {
    const { host, connectCommand } = this.#options;
    const message = `${host} ended the login: ${escapeLine(words)}`;
    if (this.#keysOffered < 2) return new SshMcpError("AUTH_FAILED", message, { hint: connectCommand });
    return new SshMcpError(
      "AUTH_FAILED",
      `${message}; ${this.#keysOffered} keys were offered: name the right one (IdentityFile) and it alone (IdentitiesOnly)`,
      { hint: connectCommand.replace(" connect ", () => " connect -i KEY -o IdentitiesOnly=yes ") },
    );
  }

  /** @returns whether the login went through; `failure` says why not. Never when the connection ends first. */
  async run(port: UserauthPort): Promise<boolean> {
    try {
      let verdict = await this.#request(port, "none");
      while (verdict.kind === "failure") {
        this.#take(verdict);
        const next = await this.#attempt(port);
        if (next === null) return false;
        verdict = next;
      }
      return true;
    } catch (error) {
      // A mistake of our own says nothing of the server, and is not to be remembered as its refusal.
      this.#failure = toSshMcpError(error);
      return false;
    } finally {
      this.#identities = null;
      this.#left = [];
    }
  }

  #take({ allowed, partial }: Extract<Verdict, { kind: "failure" }>): void {
    const names = allowed.filter((name) => name !== "");
    this.#allowed = names.length === 0 ? this.#options.methods.preferred : names;
    if (!partial) return;
    if (++this.#steps > stepLimit) throw this.#strange("the server asks for more and more logins");
    this.#left = [...(this.#identities ?? [])];
  }

  /** @returns null when there is nothing left to try */
  async #attempt(port: UserauthPort): Promise<Verdict | null> {
    for (const name of this.#options.methods.preferred) {
      if (!this.#allowed.includes(name) || this.#spent.has(name)) continue;
      this.#method = name;
      const verdict = await this.#try(name, port);
      if (verdict !== null) return verdict;
      // Keys are there again after a partial success.
      if (name !== "publickey") this.#spent.add(name);
    }
    return null;
  }

  /** @returns null when the method has nothing more to send */
  async #try(name: string, port: UserauthPort): Promise<Verdict | null> {
    if (name === "publickey") return await this.#publickey(port);
    if (name === "password") return this.#verdict(await this.#passwords.attempt(port));
    return name === "keyboard-interactive" ? this.#verdict(await this.#keyboard.attempt(port)) : null;
  }

  /** RFC 4252, section 7: the next key, first asked about, then signed with. */
  async #publickey(port: UserauthPort): Promise<Verdict | null> {
    if (this.#identities === null) {
      this.#identities = await this.#options.identities();
      this.#left = [...this.#identities];
    }
    for (let identity = this.#left.shift(); identity !== undefined; identity = this.#left.shift()) {
      try {
        const reply = await this.#offer(identity, port);
        if (reply !== null) return this.#verdict(reply);
      } catch (error) {
        if (!(error instanceof SshMcpError) || !passedOver.has(error.code)) throw error;
        this.#unasked ??= error;
      }
    }
    return null;
  }

  /** @returns null when nothing is under way */
  async #offer(identity: Identity, port: UserauthPort): Promise<Reply | null> {
    const { user, algorithms } = this.#options;
    const key = await identity.publicKey();
    const algorithm = chooseAlgorithm(key, algorithms, port.serverSignatures);
    if (algorithm === null) {
      this.#notes.add(
        `${identity.name} was not offered: no signature algorithm suits it, PubkeyAcceptedAlgorithms and the server`,
      );
      return null;
    }
    this.#keysOffered++;
    const dates = identity.certificate === null ? null : datesOf(identity.certificate, new Date());
    for (const note of [dates, ...identity.flaws]) if (note !== null) this.#notes.add(note);
    const fields = [wireString(algorithm.requested), wireString(key.blob)];
    const reply = await port.request(user, "publickey", Buffer.of(0), ...fields);
    if (reply.kind !== "keyAccepted") return reply;
    // It accepts what was not offered: there is nothing to sign.
    if (reply.algorithm !== algorithm.requested || !reply.blob.equals(key.blob)) return null;
    const signed = [Buffer.of(1), ...fields];
    const data = Buffer.concat([wireString(port.sessionId), requestBytes(user, "publickey", ...signed)]);
    const signature = await identity.sign(algorithm.signed, data);
    return await port.request(user, "publickey", ...signed, wireString(signature));
  }

  async #request(port: UserauthPort, method: string): Promise<Verdict> {
    const verdict = this.#verdict(await port.request(this.#options.user, method));
    return verdict ?? { kind: "failure", allowed: [], partial: false };
  }

  #verdict(reply: Reply | null): Verdict | null {
    if (reply === null || reply.kind === "success" || reply.kind === "failure") return reply;
    throw this.#strange("the server answers what was not asked");
  }

  readonly #ask: AskQuestion = (kind, text, echo, ofServer = { promptAt: 0, isOnlyPrompt: false }) => {
    const { ask, destination, connectCommand } = this.#options;
    const wanted = kind === "password" ? "a password" : "an answer from a person";
    return ask({ kind, text: text.slice(0, 8192), echo, destination, wanted, connectCommand, ...ofServer });
  };

  #strange(what: string): SshMcpError {
    return new SshMcpError("PROTOCOL_ERROR", `${this.#options.host} does not speak SSH as it should: ${what}`);
  }

  #denied(): SshMcpError {
    const { user, host, widerCommand } = this.#options;
    const allowed = this.#allowed.length === 0 ? "" : ` (${this.#allowed.map(escapeLine).join(",")})`;
    const notes = [...this.#notes].map((note) => `; ${note}`).join("");
    return new SshMcpError("AUTH_FAILED", `${user}@${host}: permission denied${allowed}${notes}`, {
      hint: widerCommand,
    });
  }
}

/** What keeps a key from signing, after which ssh(1) tries the next one. */
const passedOver: ReadonlySet<string> = new Set(["AUTH_REQUIRED", "KEY_INVALID"]);
