import { type Seen, SeenFiles } from "../../config/ssh-config/files/seen-files.ts";
import { type CommandSettings, commandSettingsOf } from "../../config/ssh-config/resolved-host.ts";
import type { CallScope } from "../../core/call-scope.ts";
import { typedHost } from "../../core/destination.ts";
import type { DialRequest } from "../../core/dial-request.ts";
import { SshMcpError } from "../../core/errors.ts";
import { type DialPlan, planAgain, planDial } from "../logins/dial-plan.ts";
import { isMadeOnce } from "../logins/session-identity.ts";
import type { SessionFacts } from "./session-facts.ts";
import { type Place, standsForAnother } from "./session-name.ts";

/** A session, as far as the meaning of its name goes. */
interface Named {
  readonly facts: SessionFacts;
  readonly link: { usable(): unknown; readonly isDialing: boolean };
}

/** What was found of a name, and what that was found from. */
interface Judgement {
  isMeant: boolean;
  /** What ssh_config says of the session's commands; null where it cannot be asked again. */
  commands: CommandSettings | null;
  configFile: string | null;
  files: SeenFiles;
  /** The session's place, and whether it was connected. */
  resolved: Place;
  isLive: boolean;
}

/**
 * Whether a session is still what its name says: ssh_config may have come to know a host by that name since the session got it, or may lead to
 * another one by it. Then the name is that host's. Files are read once, and again after one of them was changed; whether one was is all that is
 * looked at otherwise. What known_hosts came to hold since is no reason to look again.
 */
export class SessionMeanings {
  readonly #judged = new WeakMap<SessionFacts, Judgement>();

  /** Null when that is not known any more, or was not yet. Takes microseconds. @param request one that names the session */
  known(session: Named, request: DialRequest): boolean | null {
    const judged = this.#judged.get(session.facts);
    if (judged === undefined || judged.configFile !== request.configFile) return null;
    if (judged.resolved !== session.facts.resolved || judged.isLive !== isLive(session)) return null;
    return judged.files.areSame ? judged.isMeant : null;
  }

  /** The same, found out where it is not known. A session that is to dial anyway is what ssh_config says of it by then. @throws CANCELED */
  async find(session: Named, request: DialRequest, scope: CallScope): Promise<boolean> {
    const known = this.known(session, request);
    if (known !== null) return known;
    const { facts } = session;
    const files = new SeenFiles();
    const judgement = { configFile: request.configFile, files, resolved: facts.resolved, isLive: isLive(session) };
    const isMeant = await this.#isMeant(session, request, scope, files);
    const commands = isMeant ? await commandsOf(facts, scope, files) : null;
    this.#judged.set(facts, { ...judgement, isMeant, commands });
    return isMeant;
  }

  /** What the files that were looked at last say of the session's commands; null for what they said when it was connected. */
  commands({ facts }: Named): CommandSettings | null {
    return this.#judged.get(facts)?.commands ?? null;
  }

  async #isMeant(session: Named, request: DialRequest, scope: CallScope, seen: Seen): Promise<boolean> {
    const { name, request: own, resolved } = session.facts;
    const alone = { ...request, destination: name, user: null, port: null, identityFiles: [], options: [] };
    const asHost = await planned(() => planDial(alone, scope, seen));
    // It stands for somebody, whoever that is; and whoever names it hears what is wrong.
    if (asHost === null) return false;
    const typed = request.configFile === own.configFile ? typedHost(own.destination) : null;
    if (!(await standsForAnother(name, asHost, { ...resolved, typed }, null))) return true;
    // One that is on its way goes where it said when it set out.
    if (isLive(session) || session.link.isDialing || isMadeOnce(own)) return false;
    const again = await planned(() => planAgain(session.facts, scope, seen));
    if (again === null) return false;
    const { hostname: host, port, user } = again.resolved;
    return !(await standsForAnother(name, asHost, { host, port, user, way: again.way, typed }, null));
  }
}

/** Nobody is asked for variables, and so nobody waits for them: what depends on such stays as it was when the connection was made. */
const commandsOf = async (facts: SessionFacts, scope: CallScope, seen: Seen): Promise<CommandSettings | null> => {
  if (isMadeOnce(facts.request)) return null;
  const variables = async (): Promise<never> => {
    throw new SshMcpError("UNSUPPORTED", "no variables are asked for here");
  };
  const plan = await planned(() => planAgain(facts, { ...scope, variables }, seen));
  return plan === null ? null : commandSettingsOf(plan.resolved);
};

const isLive = ({ link }: Named): boolean => link.usable() !== null;

/** Null for what cannot be planned. */
const planned = async (plan: () => Promise<DialPlan>): Promise<DialPlan | null> => {
  try {
    return await plan();
  } catch (error) {
    if (error instanceof SshMcpError && error.code === "CANCELED") throw error;
    return null;
  }
};
