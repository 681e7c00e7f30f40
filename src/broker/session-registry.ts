import { SshMcpError } from "../core/errors.ts";
import { hintFor } from "../core/hint.ts";
import type { Caller } from "../core/operation.ts";
import { quoteWord } from "../core/quote.ts";
import type {
  CallScope,
  DialRequest,
  OpenedSession,
  OpenRequest,
  Session,
  SessionInfo,
  Sessions,
} from "../core/session.ts";
import { isSessionName, nextFreeName, sessionNameFrom } from "../core/target.ts";
import { BrokerSession } from "./broker-session.ts";
import { type DialPlan, planDial } from "./dial.ts";
import { namesAnother } from "./session-name.ts";

const defaultTtlMs = 15 * 60 * 1000;
/** Live connections at once. */
const liveLimit = 64;

interface NewSession {
  name: string | null;
  title: string | null;
  ttlMs: number | null;
  lent: boolean;
}

/** Every session of this broker, by name. */
export class SessionRegistry implements Sessions {
  readonly #sessions = new Map<string, BrokerSession>();

  async open(request: OpenRequest, scope: CallScope): Promise<OpenedSession> {
    const plan = planDial(request, scope);
    const found = this.#find(plan, request.name, scope.caller);
    const session = found ?? this.#add(plan, { ...request, lent: true }, scope);
    found?.describe(request.title, request.ttlMs);
    const reused = found !== null && found.info.state === "live";
    return { ...(await this.#openOrForget(session, found === null, scope)), reused };
  }

  async use(request: DialRequest, scope: CallScope): Promise<Session> {
    const named = this.#named(request.destination, scope.caller);
    if (named !== null) return named;
    const plan = planDial(request, scope);
    const found = this.#find(plan, null, scope.caller);
    const opened = { name: null, title: null, ttlMs: null, lent: scope.caller.face === "mcp" };
    const session = found ?? this.#add(plan, opened, scope);
    await this.#openOrForget(session, found === null, scope);
    return session;
  }

  list(caller: Caller): SessionInfo[] {
    return [...this.#sessions.values()].filter((session) => session.isFor(caller)).map((session) => session.info);
  }

  async close(names: readonly string[] | "all", caller: Caller): Promise<string[]> {
    const mine = [...this.#sessions].filter(([, session]) => session.isFor(caller));
    const chosen = mine.filter(([name]) => names === "all" || names.includes(name));
    for (const [name] of chosen) this.#sessions.delete(name);
    await Promise.all(chosen.map(([, session]) => session.close()));
    return chosen.map(([name]) => name);
  }

  /** Ends everything; for the end of the process. */
  async closeAll(): Promise<void> {
    const all = [...this.#sessions.values()];
    this.#sessions.clear();
    await Promise.all(all.map((session) => session.close()));
  }

  #named(target: string, caller: Caller): BrokerSession | null {
    const session = isSessionName(target) ? this.#sessions.get(target) : undefined;
    return session?.isFor(caller) ? session : null;
  }

  /** @throws SshMcpError ALREADY_EXISTS when the name belongs to another connection */
  #find(plan: DialPlan, name: string | null, caller: Caller): BrokerSession | null {
    if (name !== null) {
      const holder = this.#sessions.get(name);
      if (holder === undefined) return null;
      if (holder.isFor(caller) && holder.plan.identity === plan.identity) return holder;
      throw new SshMcpError("ALREADY_EXISTS", `the name ${name} belongs to another session`, {
        hint: closing(name, caller),
      });
    }
    for (const session of this.#sessions.values()) {
      if (session.isFor(caller) && session.plan.identity === plan.identity) return session;
    }
    return null;
  }

  /** @throws SshMcpError ALREADY_EXISTS when the name stands for another host; SESSION_LIMIT */
  #add(plan: DialPlan, options: NewSession, scope: CallScope): BrokerSession {
    const { caller } = scope;
    if (options.name !== null && namesAnother(options.name, plan, scope)) {
      throw new SshMcpError("ALREADY_EXISTS", `the name ${options.name} stands for another host`, {
        hint: hintFor(caller, {
          command: `ssh-mcp connect --name NAME ${quoteWord(plan.destination)}`,
          tool: `ssh_connect ${JSON.stringify({ destination: plan.destination, name: "NAME" })}`,
        }),
      });
    }
    this.#makeRoom(caller);
    const taken = { has: (name: string) => this.#sessions.has(name) || namesAnother(name, plan, scope) };
    const name = options.name ?? nextFreeName(sessionNameFrom(plan.typedHost), taken);
    const session = new BrokerSession(plan, {
      name,
      title: options.title,
      ttlMs: options.ttlMs ?? defaultTtlMs,
      openedBy: { face: caller.face, client: caller.client },
      lent: options.lent,
    });
    this.#sessions.set(name, session);
    return session;
  }

  /** A session that never opened is none: its name must not stay behind. */
  async #openOrForget(
    session: BrokerSession,
    isNew: boolean,
    scope: CallScope,
  ): Promise<Omit<OpenedSession, "reused">> {
    try {
      return await session.open(scope);
    } catch (error) {
      const { name } = session.info;
      if (isNew && session.info.state !== "live" && this.#sessions.get(name) === session) this.#sessions.delete(name);
      throw error;
    }
  }

  /**
   * Lets the longest idle session go to "cached" when the limit is met: one that needs no person to come back, and for a model one of its own.
   * @throws SshMcpError SESSION_LIMIT when there is none
   */
  #makeRoom(caller: Caller): void {
    const live = [...this.#sessions.values()].filter((session) => session.isOpen);
    if (live.length < liveLimit) return;
    const idle = live
      .filter((session) => session.info.running === 0 && !session.info.needsPerson && session.isFor(caller))
      .sort((a, b) => b.info.idleMs - a.info.idleMs);
    const [first] = idle;
    if (first === undefined) {
      const mine = live.find((session) => session.isFor(caller));
      throw new SshMcpError("SESSION_LIMIT", `${live.length} sessions are open, and none of them can be put aside`, {
        hint: closing(mine?.info.name ?? "NAME", caller),
      });
    }
    void first.disconnect();
  }
}

/** Names of sessions need no quotes, neither for a shell nor in JSON. */
const closing = (name: string, caller: Caller): string =>
  hintFor(caller, { command: `ssh-mcp close ${name}`, tool: `ssh_disconnect {"targets":["${name}"]}` });
