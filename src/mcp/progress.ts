import { escapeLine } from "../core/escape.ts";

/** How often a running call says so: well within the limits of clients that give a call more time for it. */
export const defaultProgressIntervalMs = 5000;

/** `progress` is the time since the call began in seconds; it grows with each notification, as MCP demands. */
export interface Progress {
  progress: number;
  message: string;
}

/** Tells a client, at a steady pace, that its call still runs. */
export class ProgressReporter {
  readonly #startedAt = performance.now();
  readonly #send: (progress: Progress) => Promise<void>;
  readonly #timer: ReturnType<typeof setInterval>;
  #last = 0;
  #doing = "running";
  #said = "";

  /** @param send may reject, when the client is gone: that stops the reports */
  constructor(send: (progress: Progress) => Promise<void>, intervalMs: number) {
    this.#send = send;
    this.#timer = setInterval(() => this.#report(), intervalMs);
  }

  /** What the next reports say is being done; a second line is what the command itself said last. */
  say(message: string): void {
    const [doing = "", said = ""] = message.split("\n");
    this.#doing = escapeLine(doing);
    this.#said = escapeLine(said);
  }

  /** None is sent after this. */
  stop(): void {
    clearInterval(this.#timer);
  }

  #report(): void {
    const elapsedMs = Math.round(performance.now() - this.#startedAt);
    if (elapsedMs <= this.#last) return;
    this.#last = elapsedMs;
    const said = this.#said === "" ? "" : `: ${this.#said}`;
    const message = `${this.#doing}, ${Math.round(elapsedMs / 1000)} s${said}`;
    this.#send({ progress: elapsedMs / 1000, message }).catch(() => this.stop());
  }
}
