import { SshMcpError } from "../../core/errors.ts";
import type { Caller } from "../../core/operation.ts";
import type { BrokerSession } from "./broker-session.ts";
import { isOwn } from "./session-facts.ts";
import { closing, listing } from "./session-hints.ts";

/**
 * Makes room for one more connection: when the limit is met, the session that was not used for longest is put aside, to dial again at its next use:
 * one on which nothing runs and that needs no person to come back, and for a model one of its own. Nothing is awaited in here, so that no two
 * dials get the same room.
 * @throws SshMcpError SESSION_LIMIT when there is none
 */
export const makeRoom = (sessions: readonly BrokerSession[], limit: number, caller: Caller): void => {
  const open = sessions.filter(({ link }) => link.state === "live" || link.isDialing);
  if (open.length < limit) return;
  const [oldest] = open
    .filter(({ link, info, facts }) => {
      const isIdle = link.state === "live" && info.running === 0;
      return isIdle && !info.needsPerson && (caller.face === "cli" || isOwn(facts, caller));
    })
    .sort((a, b) => b.idleMs - a.idleMs);
  if (oldest !== undefined) {
    void oldest.link.disconnect();
    return;
  }
  // Closing a person's session is no agent's next step, even where it may.
  const closable = open.find(({ facts }) => caller.face === "cli" || isOwn(facts, caller));
  const none = caller.face === "cli" ? "none of them" : "none that this agent opened";
  throw new SshMcpError("SESSION_LIMIT", `${open.length} sessions are open, and ${none} can be put aside`, {
    hint: closable === undefined ? listing(caller) : closing(closable.facts.name, caller),
  });
};
