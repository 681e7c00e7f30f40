/** Where the keychain keeps what a login takes, for what a person calls it. */
import { absolute, expandHome } from "../../config/ssh-config/expand.ts";
import { requestOrigin } from "../../config/ssh-config/origin.ts";
import type { CallScope } from "../../core/call-scope.ts";
import type { DialRequest } from "../../core/dial-request.ts";
import type { SecretPlace, Secrets } from "../../core/secrets.ts";
import { homeDirectory } from "../../files/paths.ts";
import { type ChosenRequest, planAgain, planDial } from "../logins/dial-plan.ts";
import { mustOpen, readEncryptedKey } from "../logins/key-passphrase.ts";
import { forgetSecret, keepSecret } from "../logins/keychain.ts";
import { toType } from "../logins/option-secrets.ts";
import { accountOf, keyAccountOf } from "../logins/secret-sources.ts";
import type { PendingLogins } from "./pending-logins.ts";
import type { SessionFacts } from "./session-facts.ts";
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
      const path = absolute(expandHome(of.keyFile, homeDirectory(), requestOrigin), scope.caller.cwd);
      return {
        ...this.#place(keyAccountOf(path), `the passphrase of ${path}`, scope),
        mayKeep: async () => void (await readEncryptedKey(path)),
        keep: async (secret) => {
          await mustOpen(await readEncryptedKey(path), secret, scope.signal);
          await this.#keep(keyAccountOf(path), secret, scope);
        },
      };
    }
    const named = this.#sessions.named(of, scope.caller);
    const plan = await (named === null ? planDial(of, scope) : planAgain(typedAgain(named.facts), scope));
    const account = accountOf(plan);
    return this.#place(account, `the password of ${account}`, scope);
  }

  #place(account: string, what: string, scope: CallScope): SecretPlace {
    return {
      account,
      what,
      mayKeep: async () => {},
      keep: (secret) => this.#keep(account, secret, scope),
      forget: () => forgetSecret(account, scope),
    };
  }

  async #keep(account: string, secret: string, scope: CallScope): Promise<void> {
    await keepSecret(account, secret, scope);
    this.#pending.nudge();
  }
}

/** Values that were not kept say nothing of where it leads. */
const typedAgain = ({ request, chosenBy }: SessionFacts): ChosenRequest => ({
  request: { ...request, options: request.options.map(toType) },
  chosenBy,
});
