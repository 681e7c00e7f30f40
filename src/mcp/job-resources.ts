/**
 * Jobs as MCP resources (2025-11-25, "Resources"): `ssh-mcp://jobs/SESSION/ID`, whose text is what ssh_job_status says. Listed are those that this client
 * started; any other of its sessions can be read and subscribed to by name. A subscriber is told once, when the job has ended.
 */
import type { CallToolResult, Resource, ResourceTemplate } from "@modelcontextprotocol/sdk/types.js";
import { isJobId } from "../core/jobs.ts";
import { isSessionName } from "../core/target.ts";

/** Runs ssh_job_status; rejects never. */
export type AskStatus = (input: Record<string, unknown>, signal: AbortSignal) => Promise<CallToolResult>;

/** One call waits that long, and is followed by another. */
const waitSeconds = 300;
/** Between attempts on a server that cannot be reached. */
const awayMs = 5000;
/** Between looks at several jobs. */
const lookMs = 2000;
const mostListed = 100;
const mostWatched = 32;

/** What is watched of one session. */
interface Watch {
  ids: Set<string>;
  /** Ends one look, for another. */
  round: AbortController;
}

interface Known {
  session: string;
  id: string;
  title: string;
}

const uriOf = ({ session, id }: { session: string; id: string }): string => `ssh-mcp://jobs/${session}/${id}`;

/** How such a URI is made, for clients that look for what can be asked (RFC 6570). */
export const jobTemplate: ResourceTemplate = {
  uriTemplate: "ssh-mcp://jobs/{session}/{id}",
  name: "job",
  description: "State and end of the output of a job",
  mimeType: "text/plain",
};

/** @returns null for a URI that names no job */
export const jobOfUri = (uri: string): { session: string; id: string } | null => {
  const [, session = "", id = ""] = /^ssh-mcp:\/\/jobs\/([^/]{1,64})\/([^/]{1,32})$/.exec(uri) ?? [];
  return isSessionName(session) && isJobId(id) ? { session, id } : null;
};

export class JobResources {
  readonly #ask: AskStatus;
  readonly #ended: (uri: string) => void;
  readonly #known = new Map<string, Known>();
  /** By session. */
  readonly #watches = new Map<string, Watch>();

  /** @param ended told the URI of a job that somebody subscribed to */
  constructor(ask: AskStatus, ended: (uri: string) => void) {
    this.#ask = ask;
    this.#ended = ended;
  }

  /** Notes the job that an answer of a tool is about. @returns whether the list is another now */
  note({ structuredContent }: CallToolResult): boolean {
    const job = startedIn(structuredContent ?? {});
    if (job === null) return false;
    this.#known.set(uriOf(job), job);
    const [oldest] = this.#known.keys();
    if (this.#known.size > mostListed && oldest !== undefined) this.#known.delete(oldest);
    return true;
  }

  list(): Resource[] {
    return [...this.#known].map(([uri, { id, session, title }]) => ({
      uri,
      name: `job ${id} on ${session}`,
      ...(title === "" ? {} : { description: title }),
      mimeType: "text/plain",
    }));
  }

  /** @returns the text, or null when there is no such job or it cannot be looked at */
  async read(uri: string, signal: AbortSignal): Promise<string | null> {
    const job = jobOfUri(uri);
    if (job === null) return null;
    const answer = await this.#ask({ target: job.session, id: job.id }, signal);
    return answer.isError === true ? null : textOf(answer);
  }

  /** @returns false for what cannot be watched */
  subscribe(uri: string): boolean {
    const job = jobOfUri(uri);
    if (job === null) return false;
    const { session, id } = job;
    const watched = this.#watches.get(session);
    if (watched?.ids.has(id) === true) return true;
    if ([...this.#watches.values()].reduce((sum, { ids }) => sum + ids.size, 0) >= mostWatched) return false;
    if (watched !== undefined) {
      watched.ids.add(id);
      watched.round.abort();
      return true;
    }
    const watch: Watch = { ids: new Set([id]), round: new AbortController() };
    this.#watches.set(session, watch);
    void this.#watch(session, watch);
    return true;
  }

  unsubscribe(uri: string): void {
    const { session, id } = jobOfUri(uri) ?? { session: "", id: "" };
    const watch = this.#watches.get(session);
    if (watch?.ids.delete(id) === true) watch.round.abort();
  }

  stop(): void {
    for (const { ids, round } of this.#watches.values()) {
      ids.clear();
      round.abort();
    }
  }

  /**
   * Goes on over lost links and servers that are away; ends where a person is needed, or nothing is left to be watched. However many jobs there are,
   * a session gives one channel to it: servers have few (sshd_config(5), MaxSessions).
   */
  async #watch(session: string, watch: Watch): Promise<void> {
    try {
      while (watch.ids.size > 0) {
        watch.round = new AbortController();
        const { signal } = watch.round;
        const [id = "", ...others] = watch.ids;
        const one = others.length === 0 ? { id, wait: waitSeconds } : {};
        const answer = await this.#ask({ target: session, ...one }, signal);
        // Another set of jobs is to be watched by now.
        if (signal.aborted) continue;
        const gone = this.#over(watch, answer);
        for (const each of gone) this.#tell(session, watch, each);
        const pauseMs = answer.isError === true ? awayMs : others.length === 0 ? 0 : lookMs;
        if (pauseMs > 0 && gone.length === 0) await pause(pauseMs, signal);
      }
    } finally {
      this.#watches.delete(session);
    }
  }

  /** Those of a watch that have ended, or are not there, or cannot be asked about. */
  #over({ ids }: Watch, answer: CallToolResult): string[] {
    if (answer.isError === true) return isRetryable(answer) ? [] : [...ids];
    const jobs = (answer.structuredContent?.["jobs"] ?? []) as { id?: unknown; state?: unknown }[];
    const goesOn = (id: string): boolean =>
      jobs.some((job) => job.id === id && (job.state === "running" || job.state === "starting"));
    return [...ids].filter((id) => !goesOn(id));
  }

  #tell(session: string, watch: Watch, id: string): void {
    if (watch.ids.delete(id)) this.#ended(uriOf({ session, id }));
  }
}

const isRetryable = ({ _meta }: CallToolResult): boolean => {
  const { code, retryable } = (_meta?.["ssh-mcp/error"] ?? {}) as { code?: string; retryable?: boolean };
  return code === "TIMEOUT" || (retryable === true && code !== "AUTH_REQUIRED");
};

const pause = async (milliseconds: number, signal: AbortSignal): Promise<void> => {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, milliseconds);
  signal.addEventListener("abort", () => over.resolve(), { once: true });
  await over.promise;
  clearTimeout(timer);
};

const textOf = ({ content }: CallToolResult): string =>
  content.map((each) => (each.type === "text" ? each.text : "")).join("\n");

/** A job that ssh_job_start started, or a command that goes on as one. */
const startedIn = ({ target, job, jobId, stopped }: Record<string, unknown>): Known | null => {
  const { id, title } = (typeof job === "object" && job !== null ? job : { id: jobId }) as Record<string, unknown>;
  if (typeof target !== "string" || typeof id !== "string" || !isJobId(id) || !isSessionName(target)) return null;
  return stopped == null ? { session: target, id, title: typeof title === "string" ? title : "" } : null;
};
