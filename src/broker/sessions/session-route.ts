import { SshMcpError } from "../../core/errors.ts";
import type { Caller } from "../../core/operation.ts";
import { sessionNameFrom } from "../../core/target.ts";
import { withConnectHint } from "../logins/connect-hint.ts";
import type { DialPlan } from "../logins/dial-plan.ts";
import { hiddenFromAgents } from "../logins/option-secrets.ts";
import type { SessionFacts } from "./session-facts.ts";

/** The last dial's plan, as far as hints and those who wait for a login need it. */
interface Route extends Pick<DialPlan, "connectCommand" | "typedHost"> {
  options: readonly string[];
  knownHostsFiles: readonly string[];
}

/** The way that a session took last, for whoever has to be told how to take it. */
export class SessionRoute {
  readonly #facts: SessionFacts;
  readonly #hintPrefix: string;
  #last: Route | null = null;

  /** @param facts kept up to date with what is dialled; @param hintPrefix see `RegistryOptions` */
  constructor(facts: SessionFacts, hintPrefix: string) {
    this.#facts = facts;
    this.#hintPrefix = hintPrefix;
  }

  /** Where the host keys that the last plan goes by may be recorded. */
  get knownHostsFiles(): readonly string[] {
    return this.#last?.knownHostsFiles ?? [];
  }

  /** The host as it was typed; null before the first dial. */
  get typedHost(): string | null {
    return this.#last?.typedHost ?? null;
  }

  take(plan: DialPlan): void {
    const { connectCommand, typedHost, key, way, request, resolved } = plan;
    const { hostname: host, port, user } = resolved;
    this.#last = { connectCommand, typedHost, options: request.options, knownHostsFiles: knownHostsOf(plan) };
    Object.assign(this.#facts, { key, resolved: { host, port, user, way } });
  }

  /** An error with the command that opens this very session, for the one who gets it. */
  explained(error: unknown, caller: Caller): unknown {
    if (this.#last === null) return this.told(error, caller);
    const { connectCommand, typedHost } = this.#last;
    const { name, isFoundUnnamed, resolved } = this.#facts;
    const isModel = caller.face === "mcp";
    const hinted = withConnectHint(error, {
      resolved,
      connectCommand,
      // A model's repeated call must find it, whatever else was opened meanwhile.
      name: isModel || !(isFoundUnnamed || name === sessionNameFrom(typedHost)) ? name : null,
      prefix: this.prefixFor(caller),
    });
    return this.told(hinted, caller);
  }

  /** As its reader may see it: an agent uses the session, and does not read what a person's options hold. */
  told(error: unknown, { face }: Caller): unknown {
    if (face !== "mcp" || !(error instanceof SshMcpError)) return error;
    return hiddenFromAgents(error, [...this.#facts.request.options, ...(this.#last?.options ?? [])]);
  }

  /** A person types the command where the session was asked for; a model's person may be anywhere. */
  prefixFor({ face }: Caller): string {
    return face === "mcp" ? this.#hintPrefix : "";
  }
}

/** Of the host and of those on the way: any of them may be the one whose key is missing. */
const knownHostsOf = ({ resolved, via }: DialPlan): string[] => [
  ...new Set([...resolved.userKnownHostsFiles, ...(via === null ? [] : knownHostsOf(via))]),
];
