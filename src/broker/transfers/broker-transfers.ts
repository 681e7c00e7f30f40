import type { CallScope } from "../../core/call-scope.ts";
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { shortened } from "../../core/escape.ts";
import type { Operand } from "../../core/files/operand.ts";
import { remotePath } from "../../core/files/remote-path.ts";
import type { TransferReport, TransferRequest, TransferStreams, Transfers } from "../../core/files/transfers.ts";
import type { Session, Sessions } from "../../core/session.ts";
import { copyJobs } from "./copy-jobs.ts";
import type { CopyRun } from "./copy-run.ts";
import { fromStream, toStream } from "./copy-stream.ts";
import { copyDirectly } from "./direct.ts";
import { globbed } from "./globbed.ts";
import { guardDelete } from "./guard-delete.ts";
import type { Placed } from "./placed.ts";
import { plan } from "./plan.ts";
import { RateLimit } from "./rate-limit.ts";
import { RemoteSide } from "./remote-side.ts";
import { Tally } from "./tally.ts";
import { Writers } from "./writers.ts";

/** Transfers between the caller's side and the servers of its sessions. */
export class BrokerTransfers implements Transfers {
  readonly sessions: Sessions;
  readonly #writers = new Writers();

  constructor(sessions: Sessions) {
    this.sessions = sessions;
  }

  async run(request: TransferRequest, streams: TransferStreams, scope: CallScope): Promise<TransferReport> {
    const { sources, destination, sync, limit, direct } = request;
    const targets = new Set(
      [...sources, destination].flatMap((operand) => (operand.kind === "remote" ? [operand.target] : [])),
    );
    if (targets.size === 0) throw new SshMcpError("INVALID_INPUT", "one side of a copy has to be on a server");
    const tally = new Tally(streams.progress, sync?.dryRun === true);
    const { signal, notice } = scope;
    const run: CopyRun = {
      ...{ request, tally, signal, unfinished: new Set<string>() },
      notice: (message) => notice.call(scope, message),
      limit: limit === null ? null : new RateLimit(limit, signal),
    };
    if (direct) return await copyDirectly(run, this.sessions, scope);
    const sessions = new Map<string, Session>();
    for (const target of targets) {
      sessions.set(target, await this.sessions.use({ ...request.dial, destination: target }, scope));
    }
    // Several names may lead to one session, which is one place then.
    const sides = new Map<string, Placed>();
    const label = labelOf(request);
    const into = destination.kind === "remote" ? sessions.get(destination.target) : undefined;
    // That of sudo's user is another one.
    const home =
      sync?.delete === true && into !== undefined && request.become !== null
        ? await into.files({ label, become: null, timeoutMs: null }, scope, ({ files }) => files.resolve("."))
        : null;
    const withSides = async (left: readonly Session[]): Promise<void> => {
      const [session, ...others] = left;
      if (session === undefined) return await copy(run, sessions, sides, streams, home);
      await session.files(
        { label, become: request.become, timeoutMs: null, repeatable: true },
        scope,
        async (machine) => {
          sides.set(session.info.name, { side: new RemoteSide(machine, scope, this.#writers), path: "", machine });
          await withSides(others);
        },
      );
    };
    try {
      await withSides([...new Map([...sessions.values()].map((session) => [session.info.name, session])).values()]);
    } catch (thrown) {
      const error = toSshMcpError(thrown);
      // What was done by then is told, and what broke it among the failures; but a caller who is gone, or has had enough, is told that.
      if (signal.aborted || !tally.hasBegun) throw error;
      if (!tally.hasTold(error)) tally.fail({ path: "", code: error.code, message: error.message, bytesDone: null });
    }
    return tally.report(request.verify);
  }
}

const copy = async (
  run: CopyRun,
  sessions: ReadonlyMap<string, Session>,
  sides: ReadonlyMap<string, Placed>,
  streams: TransferStreams,
  home: string | null,
): Promise<void> => {
  const { sources, destination, sync, verify } = run.request;
  const placed = (operand: Operand): Placed => {
    if (operand.kind === "stream")
      throw new SshMcpError("INVALID_INPUT", "standard input and output go with one file alone");
    if (operand.kind === "local") return { side: streams.local, path: operand.path, machine: null };
    const session = sessions.get(operand.target);
    const place = session === undefined ? undefined : sides.get(session.info.name);
    if (place === undefined) throw new SshMcpError("INTERNAL", "a server of a transfer was not reached");
    return { ...place, path: remotePath(operand.path) || "." };
  };
  const [first] = sources;
  if (verify && [...sources, destination].some(({ kind }) => kind === "stream")) {
    throw new SshMcpError("INVALID_INPUT", "a checksum is compared of files, and standard input and output are none");
  }
  if (sources.length === 1 && first?.kind === "stream")
    return await fromStream(run, streams.stdin, placed(destination));
  if (destination.kind === "stream") {
    const [file, another] = await globbed(run, sources.map(placed));
    if (file === undefined) return;
    if (another !== undefined) throw new SshMcpError("INVALID_INPUT", "only one file goes to standard output");
    return await toStream(run, file, streams.stdout);
  }
  const [from, to] = [sources.map(placed), placed(destination)];
  if (to.side instanceof RemoteSide && from.some(({ side }) => side === to.side)) to.side.copiesWithin();
  if (sync?.delete === true) await guardDelete(to, home);
  const found = await globbed(run, from);
  if (sync !== null && found.length > 1) throw severalMirrored(found);
  await copyJobs(run, await plan(run, found, to));
};

/** Each would take away what the others brought. */
const severalMirrored = (sources: readonly Placed[]): SshMcpError =>
  new SshMcpError("INVALID_INPUT", `the pattern leads to ${sources.length} sources, and a sync has one`, {
    hint: "name the directory whose content is to be mirrored, or copy with cp -r",
  });

/** What lists show of the call. */
const labelOf = ({ sources, destination, sync }: TransferRequest): string => {
  const words = [...sources.slice(0, 3), destination].map((operand) =>
    operand.kind === "remote" ? `${operand.target}:${operand.path}` : operand.kind === "local" ? operand.path : "-",
  );
  return shortened(`${sync === null ? "cp" : "sync"} ${words.join(" ")}`, 200);
};
