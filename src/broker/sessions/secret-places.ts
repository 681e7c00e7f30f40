/** Where the keychain keeps what a login takes, for what a person calls it. */
import { posix } from "node:path";
import type { CallScope, DialRequest, SecretPlace, Secrets } from "../../core/session.ts";
import { homeDirectory } from "../../files/paths.ts";
import { planAgain, planDial } from "../logins/dial-plan.ts";
import { forgetSecret, keepSecret } from "../logins/keychain.ts";
import { accountOf, keyAccountOf } from "../logins/secret-sources.ts";
import type { PendingLogins } from "./pending-logins.ts";
import type { SessionNames } from "./session-names.ts";

export class SecretPlaces implements Secrets {
  readonly #sessions: SessionNames;
  readonly #pending: PendingLogins;

  /** @param pending told when a login may go through that waited for a person */
  constructor(sessions: SessionNames, pending: PendingLogins) {
    this.#sessions = sessions;
    this.#pending = pending;
  }

  async place(of: DialRequest | { keyFile: string }, scope: CallScope): Promise<SecretPlace> {
    if ("keyFile" in of) {
      const path = absolute(of.keyFile, scope.caller.cwd);
      return this.#place(keyAccountOf(path), `the passphrase of ${path}`, scope);
    }
    const named = this.#sessions.named(of, scope.caller);
    const plan = await (named === null ? planDial(of, scope) : planAgain(named.facts.request, scope));
    const account = accountOf(plan);
    return this.#place(account, `the password of ${account}`, scope);
  }

  #place(account: string, what: string, scope: CallScope): SecretPlace {
    return {
      account,
      what,
      keep: async (secret) => {
        await keepSecret(account, secret, scope);
        this.#pending.nudge();
      },
      forget: () => forgetSecret(account, scope),
    };
  }
}

/** As the path of a key that ssh_config names is made absolute. */
const absolute = (path: string, cwd: string): string =>
  path.startsWith("~/") ? `${homeDirectory()}/${path.slice(2)}` : posix.resolve(cwd, path);
