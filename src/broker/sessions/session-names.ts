import { absoluteKey } from "../../config/ssh-config/absolute-request.ts";
import { absolute } from "../../config/ssh-config/expand.ts";
import type { DialRequest } from "../../core/dial-request.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { Caller } from "../../core/operation.ts";
import { isSessionName, nextFreeName, sessionNameFrom } from "../../core/target.ts";
import type { DialPlan } from "../logins/dial-plan.ts";
import { namesGivenFiles } from "../logins/given-files.ts";
import { isMadeOnce, isSameRequest } from "../logins/session-identity.ts";
import type { BrokerSession } from "./broker-session.ts";
import type { Resolves } from "./host-names.ts";
import type { LiveConnection } from "./live-connection.ts";
import { isFor, type SessionFacts } from "./session-facts.ts";
import { closing, naming } from "./session-hints.ts";
import { namesAnother } from "./session-name.ts";

/** What a caller wants beside the destination. */
export interface Wanted {
  /** Null takes any session with the same identity. */
  name: string | null;
  /** None that is there already. */
  fresh: boolean;
  /** One that agents cannot use, thus none that an agent opened. */
  isPrivate: boolean;
}

/** Which session a name, a target or a plan means. */
export class SessionNames {
  readonly #byName = new Map<string, BrokerSession>();
  readonly #reserved: ReadonlySet<string>;

  readonly #resolves: Resolves;

  /** @param reserved names that no session may take; @param resolves asked about names that a model chooses */
  constructor(reserved: readonly string[], resolves: Resolves) {
    this.#reserved = new Set(reserved);
    this.#resolves = resolves;
  }

  /** Every session, those that are being opened for the first time among them. */
  get all(): BrokerSession[] {
    return [...this.#byName.values()];
  }

  /** Those that were open at least once. */
  get opened(): BrokerSession[] {
    return this.all.filter(({ wasOpen }) => wasOpen);
  }

  add(session: BrokerSession): void {
    this.#byName.set(session.facts.name, session);
  }

  /** Frees the name, unless another session has it by now. */
  forget(facts: SessionFacts): void {
    if (this.#byName.get(facts.name)?.facts === facts) this.#byName.delete(facts.name);
  }

  /** The session of exactly this name, for whoever may see it. */
  get(name: string, caller: Caller): BrokerSession | null {
    const session = this.#byName.get(name);
    return session !== undefined && isFor(session.facts, caller) ? session : null;
  }

  /** The open connections that a caller may use of the sessions with this name or identity. */
  usable({ name, key }: Pick<SessionFacts, "name" | "key">, caller: Caller): LiveConnection[] {
    const meant = this.all.filter(({ facts }) => (facts.name === name || facts.key === key) && isFor(facts, caller));
    return meant.flatMap(({ link }) => link.usable() ?? []);
  }

  /** The session that a target names. Null when there is none, and when what is said beside the name asks for another: then it is a destination. */
  named(request: DialRequest, caller: Caller): BrokerSession | null {
    const session = isSessionName(request.destination) ? this.get(request.destination, caller) : null;
    return session === null || asksForAnother(request, session.facts, caller.cwd) ? null : session;
  }

  /**
   * The session that is what the plan would open, a live one before others; else a new one, under the wanted name or the next free one
   * after what was typed that stands for no other host.
   * @param make called in the same turn in which the name is taken
   * @throws SshMcpError ALREADY_EXISTS when the wanted name belongs to another session, stands for another host, or is reserved
   */
  async findOrAdd(
    plan: DialPlan,
    wanted: Wanted,
    caller: Caller,
    make: (name: string) => BrokerSession,
  ): Promise<{ session: BrokerSession; isNew: boolean }> {
    for (;;) {
      const found = this.#find(plan, wanted, caller);
      if (found !== null) return { session: found, isNew: false };
      const name =
        wanted.name === null ? await this.#freeName(plan, caller) : await this.#allowed(wanted.name, plan, caller);
      // Meanwhile somebody else may have come to the same session, or to the same name.
      if (this.#find(plan, wanted, caller) !== null || this.#byName.has(name)) continue;
      const session = make(name);
      this.add(session);
      return { session, isNew: true };
    }
  }

  #find(plan: DialPlan, { name, fresh, isPrivate }: Wanted, caller: Caller): BrokerSession | null {
    const suits = ({ facts, link }: BrokerSession): boolean => {
      if (fresh || !isFor(facts, caller) || (isPrivate && facts.openedBy.face === "mcp")) return false;
      // One that is to dial anyway becomes what ssh_config says of it by now; one that dials already goes where it said before.
      return (
        facts.key === plan.key ||
        (isIdle(link) && (isSameRequest(facts.request, plan.request) || bringsBack(plan, facts, caller)))
      );
    };
    if (name === null) {
      const suiting = this.all.filter(suits);
      return suiting.find(({ link }) => link.state === "live") ?? suiting[0] ?? null;
    }
    const holder = this.#byName.get(name);
    if (holder === undefined || suits(holder)) return holder ?? null;
    throw new SshMcpError("ALREADY_EXISTS", `the name ${name} belongs to another session`, {
      hint: isFor(holder.facts, caller) ? closing(name, caller) : naming(plan.destination, caller),
    });
  }

  async #allowed(name: string, plan: DialPlan, caller: Caller): Promise<string> {
    const why = this.#reserved.has(name)
      ? "belongs to a file in sessions/ that this release leaves alone"
      : (await namesAnother(name, plan, caller.face === "mcp" ? this.#resolves : null))
        ? "stands for another host"
        : null;
    if (why === null) return name;
    throw new SshMcpError("ALREADY_EXISTS", `the name ${name} ${why}`, { hint: naming(plan.destination, caller) });
  }

  async #freeName(plan: DialPlan, caller: Caller): Promise<string> {
    const others = new Set(this.#reserved);
    const typed = sessionNameFrom(plan.typedHost);
    // ssh_config may have a pattern for every name like the one that was typed.
    for (const base of [typed, anyName]) {
      for (let attempt = 0; attempt < nameAttempts; attempt++) {
        const name = nextFreeName(base, { has: (name) => others.has(name) || this.#byName.has(name) });
        if (!(await namesAnother(name, plan, null))) return name;
        others.add(name);
      }
    }
    throw new SshMcpError("ALREADY_EXISTS", `${typed}, and every name like it, stands for another host`, {
      hint: naming(plan.destination, caller),
    });
  }
}

const isIdle = ({ state, isDialing }: BrokerSession["link"]): boolean => state !== "live" && !isDialing;

/** Names of each kind that are tried for a session that was given none. */
const nameAttempts = 50;
/** When no name like the host's is left. */
const anyName = "session";

/**
 * Whether a plan is another way to the server of a session that has lost its own: it was opened by what nobody else can give again. As a
 * person would expect, only the same destination does it, and only when it still leads to the same place. Nor does an agent:
 * everybody's next login is made with what it brings.
 */
const bringsBack = ({ request, resolved, way }: DialPlan, facts: SessionFacts, caller: Caller): boolean => {
  const { host, port, user } = facts.resolved;
  return (
    isMadeOnce(facts.request) &&
    caller.face === "cli" &&
    request.destination === facts.request.destination &&
    resolved.hostname === host &&
    resolved.port === port &&
    resolved.user === user &&
    way === facts.resolved.way
  );
};

const asksForAnother = (request: DialRequest, { request: own, resolved }: SessionFacts, cwd: string): boolean => {
  const { user, port, identityFiles, configFile, options } = request;
  const differs = (given: readonly string[], opened: readonly string[]): boolean =>
    given.length > 0 && JSON.stringify(given) !== JSON.stringify(opened);
  const isPath = configFile !== null && configFile.toLowerCase() !== "none";
  return (
    // What it holds tells, once it is read.
    namesGivenFiles(request) ||
    (user !== null && user !== resolved.user) ||
    (port !== null && port !== resolved.port) ||
    (configFile !== null && (isPath ? absolute(configFile, cwd) : "none") !== own.configFile) ||
    differs(
      identityFiles.map((file) => absoluteKey(file, cwd)),
      own.identityFiles,
    ) ||
    differs(options, own.options)
  );
};
