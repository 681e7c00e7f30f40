import { createHmac, randomBytes } from "node:crypto";
import type { HeldSecrets } from "../logins/held-secrets.ts";
import { ExpiryTimer, maxAgeMs } from "./session-expiry.ts";

/** Of one session; nobody has more passwords for one. */
const limit = 64;

interface Held {
  secret: Buffer;
  /** By the clock that counts the machine's sleep. */
  since: number;
  isOfLogin: boolean;
}

/**
 * What people typed for a session, while its time lasts, and no secret longer than 12 hours: in memory alone, for this session's own use, overwritten
 * when it is over. What was refused is known again by a keyed hash, so that no source of it sends it a second time; and so is what was right.
 */
export class SessionSecrets implements HeldSecrets {
  readonly #now: () => number;
  readonly #held = new Map<string, Held>();
  readonly #refused = new Set<string>();
  readonly #right = new Set<string>();
  readonly #expiry: ExpiryTimer;
  #hashKey = randomBytes(32);
  #login: string | null = null;
  #since: number | null = null;

  /** @param now the clock that counts the machine's sleep, in milliseconds */
  constructor(now: () => number) {
    this.#now = now;
    this.#expiry = new ExpiryTimer(
      () => Math.min(...[...this.#held.values()].map(({ since }) => since + maxAgeMs - this.#now())),
      () => {
        this.#dropOld();
        this.#expiry.start();
      },
    );
  }

  /** When the person logged in, by the clock that counts the machine's sleep; null when nothing of a login is held. */
  get since(): number | null {
    return this.#since;
  }

  /** Whether anything is held. */
  get isEmpty(): boolean {
    this.#dropOld();
    return this.#held.size === 0;
  }

  /** Whether what is held answers all that a login asked a person. @param key the session's identity, see `DialPlan` */
  opensAgain(key: string): boolean {
    this.#dropOld();
    return this.#login === key;
  }

  hold(name: string, secret: string, isOfLogin = false): void {
    this.forget(name);
    if (this.#held.size >= limit) return;
    this.#held.set(name, { secret: Buffer.from(secret), since: this.#now(), isOfLogin });
    this.#expiry.start();
  }

  recall(name: string): string | null {
    this.#dropOld();
    return this.#held.get(name)?.secret.toString() ?? null;
  }

  forget(name: string): boolean {
    this.#held.get(name)?.secret.fill(0);
    return this.#held.delete(name);
  }

  /**
   * Takes what a person typed for a login that went through. What was typed for an earlier one grows no younger by it.
   * @param typed by what it answers; of a login that can be made again only
   * @param key see `opensAgain`; null when something in it was asked that cannot be answered twice
   */
  take(typed: ReadonlyMap<string, string>, key: string | null): void {
    for (const [name, secret] of typed) this.hold(name, secret, true);
    this.#login = key;
    this.#since = this.#now();
  }

  /** Notes that it was wrong, or may have been. */
  refuse(name: string, secret: string): void {
    const hash = this.#hash(name, secret);
    this.#right.delete(hash);
    if (this.#refused.size < limit) this.#refused.add(hash);
  }

  wasRefused(name: string, secret: string): boolean {
    return this.#refused.has(this.#hash(name, secret));
  }

  /** Notes that it was right. */
  accept(name: string, secret: string): void {
    const hash = this.#hash(name, secret);
    this.#refused.delete(hash);
    if (this.#right.size < limit) this.#right.add(hash);
  }

  wasRight(name: string, secret: string): boolean {
    return this.#right.has(this.#hash(name, secret));
  }

  /** Notes that what was right may be so no more. */
  doubt(name: string, secret: string): void {
    this.#right.delete(this.#hash(name, secret));
  }

  /** Overwrites and forgets all of it. */
  wipe(): void {
    this.#expiry.stop();
    for (const { secret } of this.#held.values()) secret.fill(0);
    this.#held.clear();
    this.#refused.clear();
    this.#right.clear();
    this.#hashKey.fill(0);
    this.#hashKey = randomBytes(32);
    this.#login = null;
    this.#since = null;
  }

  /** A login that lacks one of its answers is not made again. */
  #dropOld(): void {
    const now = this.#now();
    for (const [name, { since, isOfLogin }] of this.#held) {
      if (now - since < maxAgeMs) continue;
      this.forget(name);
      if (isOfLogin) this.#login = null;
    }
  }

  #hash(name: string, secret: string): string {
    return createHmac("sha256", this.#hashKey).update(`${name}\0${secret}`).digest("hex");
  }
}
