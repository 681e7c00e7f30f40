import type { RunningCall, StoppedCall } from "../../core/command.ts";
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { Caller } from "../../core/operation.ts";
import { keptUnusedMs } from "../../store/session-store.ts";
import type { BrokerSession } from "./broker-session.ts";
import { closedAlready, closedBy, killed } from "./cancel-reasons.ts";
import { isFor } from "./session-facts.ts";
import type { SessionNames } from "./session-names.ts";
import type { SessionRecords } from "./session-records.ts";

/** What ends sessions and the calls on them: a word of somebody's, or time. */
export class SessionEndings {
  readonly #sessions: SessionNames;
  readonly #records: SessionRecords;
  readonly #log: (line: string) => void;

  /** @param log takes one line about what nobody waits for */
  constructor(sessions: SessionNames, records: SessionRecords, log: (line: string) => void) {
    this.#sessions = sessions;
    this.#records = records;
    this.#log = log;
  }

  /** See `Sessions.calls`. */
  calls(caller: Caller): RunningCall[] {
    const visible = this.#sessions.all.filter(({ facts }) => isFor(facts, caller));
    return visible.flatMap(({ calls }) => calls).sort((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)));
  }

  /** See `Sessions.kill`. */
  async kill(ids: readonly string[], caller: Caller): Promise<StoppedCall[]> {
    const visible = this.#sessions.all.filter(({ facts }) => isFor(facts, caller));
    const chosen = [...new Set(ids)].map((id) => {
      const session = visible.find(({ calls }) => calls.some((call) => call.id === id));
      if (session !== undefined) return { id, session };
      throw new SshMcpError(
        "NOT_FOUND",
        `no call ${shown(id)} is running${ids.length > 1 ? "; none was stopped" : ""}`,
        {
          hint: "ssh-mcp ls --running",
        },
      );
    });
    return await Promise.all(
      chosen.map(async ({ id, session }) => {
        const { name } = session.facts;
        return { id, session: name, stopped: await session.kill(id, killed(id, caller)) };
      }),
    );
  }

  /** See `Sessions.close`. */
  async close(names: readonly string[] | "all", caller: Caller): Promise<string[]> {
    const chosen = this.#sessions.all.filter(
      ({ facts }) => isFor(facts, caller) && (names === "all" || names.includes(facts.name)),
    );
    const removed = Promise.allSettled(chosen.map((session) => this.#forget(session)));
    await Promise.all(chosen.map((session) => session.close(closedBy(session.facts.name, caller))));
    for (const removal of await removed) if (removal.status === "rejected") throw removal.reason;
    return chosen.map(({ facts }) => facts.name);
  }

  /** Timers stand still while the machine sleeps: what is over by now ends here. */
  noticeTime(): void {
    for (const session of this.#sessions.opened) {
      const { link, info, idleMs } = session;
      if (link.usable() !== null || link.isDialing || info.running > 0 || idleMs <= keptUnusedMs) continue;
      void session.close(closedAlready(session.facts.name));
      this.#forget(session).catch((error: unknown) => {
        this.#log(`the session ${session.facts.name} could not be forgotten: ${toSshMcpError(error).message}`);
      });
    }
  }

  /** The name is free at once; resolves when the record is gone. */
  async #forget(session: BrokerSession): Promise<void> {
    this.#sessions.forget(session.facts);
    await this.#records.remove(session);
  }
}
