/** The methods by which a person types: password (RFC 4252, section 8) and keyboard-interactive (RFC 4256). */
import { SshMcpError } from "../../core/errors.ts";
import { wireString } from "../wire-reader.ts";
import type { Reply, UserauthPort } from "./ssh2-userauth.ts";

/** @param ofServer of a prompt that the server wrote, see LoginQuestion */
export type AskQuestion = (
  kind: "password" | "keyboard-interactive",
  text: string,
  echo: boolean,
  ofServer?: { promptAt: number; isOnlyPrompt: boolean },
) => Promise<string>;

/** Information requests of one keyboard-interactive attempt, and prompts in one request: no honest server needs more. */
const roundLimit = 16;
const promptLimit = 16;
/** Requests for a new password in one attempt. */
const changeLimit = 8;

const [no, yes] = [Buffer.of(0), Buffer.of(1)];
const empty = wireString("");

export interface PasswordOptions {
  user: string;
  /** For the prompt. */
  host: string;
  /** Passwords in a login. */
  tries: number;
  ask: AskQuestion;
}

export class PasswordMethod {
  readonly #options: PasswordOptions;
  #tried = 0;

  constructor(options: PasswordOptions) {
    this.#options = options;
  }

  /** @returns null when no try is left */
  async attempt(port: UserauthPort): Promise<Reply | null> {
    const { user, tries, ask } = this.#options;
    if (this.#tried >= tries) return null;
    const again = this.#tried++ > 0 ? "Permission denied, please try again.\n" : "";
    const password = await ask("password", `${again}${this.#whose} password: `, false);
    let reply = await port.request(user, "password", no, wireString(password));
    for (let count = 0; reply.kind === "changePassword"; count++) {
      if (count === changeLimit)
        throw new SshMcpError("PROTOCOL_ERROR", "the server asks for new passwords without end");
      const [old, next] = await this.#askChange(reply.prompt);
      reply = await port.request(user, "password", yes, wireString(old), wireString(next));
    }
    return reply;
  }

  /** The old password and the new one, typed twice, as ssh(1) asks for them. @param reason the server's words */
  async #askChange(reason: string): Promise<[string, string]> {
    const { ask } = this.#options;
    const intro = reason === "" ? "" : `${reason}\n`;
    const old = await ask("password", `${intro}Enter ${this.#whose} old password: `, false);
    for (let mismatch = ""; ; mismatch = "Mismatch; try again.\n") {
      const next = await ask("password", `${mismatch}Enter ${this.#whose} new password: `, false);
      const retyped = await ask("password", `Retype ${this.#whose} new password: `, false);
      if (next === retyped) return [old, next];
    }
  }

  get #whose(): string {
    return `${this.#options.user}@${this.#options.host}'s`;
  }
}

export class KeyboardInteractive {
  readonly #options: Omit<PasswordOptions, "host">;
  #tried = 0;
  #wasAsked = false;

  constructor(options: Omit<PasswordOptions, "host">) {
    this.#options = options;
  }

  /** @returns null when no try is left */
  async attempt(port: UserauthPort): Promise<Reply | null> {
    const { user, tries } = this.#options;
    // A server that fails it without a question does so every time.
    if (this.#tried >= tries || (this.#tried > 0 && !this.#wasAsked)) return null;
    this.#tried++;
    let reply = await port.request(user, "keyboard-interactive", empty, empty);
    for (let round = 0; reply.kind === "questions"; round++) {
      this.#wasAsked = true;
      if (round === roundLimit || reply.prompts.length > promptLimit) {
        throw new SshMcpError("PROTOCOL_ERROR", "the server asks without end (keyboard-interactive)");
      }
      reply = await port.answer(await this.#answers(reply));
    }
    return reply;
  }

  async #answers({ name, instructions, prompts }: Extract<Reply, { kind: "questions" }>): Promise<string[]> {
    const answers: string[] = [];
    // What a round without a question says is shown with the next question.
    this.#unshown.push(...[name, instructions].filter((text) => text !== ""));
    for (const { prompt, echo } of prompts) {
      const before = this.#unshown
        .splice(0)
        .map((text) => `${text}\n`)
        .join("");
      const ofServer = { promptAt: before.length, isOnlyPrompt: prompts.length === 1 };
      answers.push(await this.#options.ask("keyboard-interactive", `${before}${prompt}`, echo === true, ofServer));
    }
    return answers;
  }

  readonly #unshown: string[] = [];
}
