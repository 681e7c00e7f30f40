import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { FileFacts } from "../../core/files/file-facts.ts";
import { baseName, endsWithSlash } from "../../core/files/remote-path.ts";
import { atOnce } from "./at-once.ts";
import { below, unfinishedName } from "./below.ts";
import { type CopyJob, type CopyRun, compares } from "./copy-run.ts";
import { refuseItself } from "./itself.ts";
import type { Placed } from "./placed.ts";

/** Sources that are looked at together. */
const lookedAtOnce = 32;

/**
 * What is to be copied where, as scp(1) and cp(1) mean it: several sources need a directory; into one that is there a directory goes under its own
 * name, and becomes one that is not. `DIRECTORY/.` is what is in it; so is every source of a sync. A source that cannot be copied is told, and the others
 * go on.
 * @throws SshMcpError when it is the only one, or the destination takes none
 */
export const plan = async (run: CopyRun, sources: readonly Placed[], destination: Placed): Promise<CopyJob[]> => {
  const { request } = run;
  const now = await destination.side.look(destination.path);
  const isDirectory = now?.type === "directory";
  if (sources.length > 1 && !isDirectory) throw needsDirectory(destination, now);
  const goesOn = isDirectory && (await isUnfinished(run, destination));
  const jobs: (CopyJob | null)[] = [];
  const isOnly = sources.length === 1;
  await atOnce(sources.entries(), lookedAtOnce, async ([index, source]) => {
    try {
      const facts = await source.side.look(source.path);
      if (facts === null) throw new SshMcpError("NOT_FOUND", `${where(source)} is not there`, pipeHint(source, null));
      refuseKind(run, source, facts);
      const prefix = prefixOf(source, facts, request.sync !== null || goesOn, isDirectory);
      if (facts.type === "directory" && now !== null && !isDirectory) throw needsDirectory(destination, now);
      if (facts.type !== "directory" && now === null && endsWithSlash(destination.path))
        throw needsDirectory(destination, now);
      const looks = prefix !== "" && (facts.type === "directory" || compares(run));
      const there = prefix === "" ? now : looks ? await destination.side.look(below(destination.path, prefix)) : null;
      await refuseItself(source, destination, prefix, facts, request.sync?.delete === true);
      if (request.resume && facts.type === "directory" && prefix !== "" && there === null) {
        run.notice(`no copy broke in ${where(destination)}: ${shown(prefix)} is made in it`);
      }
      jobs[index] = {
        ...{ source: source.side, from: withoutDot(source.path), facts },
        ...{ destination: destination.side, root: destination.path, prefix, now: there },
      };
    } catch (thrown) {
      if (isOnly) throw thrown;
      run.tally.failed(source.path, thrown);
    }
  });
  return withoutEqual(
    run,
    jobs.filter((job) => job !== null && job !== undefined),
  );
};

/** Of two sources with one name the second would replace the first: it is told, and left out, as cp(1) does. */
const withoutEqual = ({ tally }: CopyRun, jobs: readonly CopyJob[]): CopyJob[] => {
  const taken = new Set<string>();
  return jobs.filter(({ from, root, prefix }) => {
    if (prefix === "" || !taken.has(prefix)) {
      taken.add(prefix);
      return true;
    }
    const message = `${shown(from)} is left out: ${shown(below(root, prefix))} comes from another source already`;
    tally.failed(from, new SshMcpError("ALREADY_EXISTS", message));
    return false;
  });
};

const isUnfinished = async ({ request, unfinished }: CopyRun, { side, path }: Placed): Promise<boolean> => {
  if (!request.resume || request.sync !== null) return false;
  if ((await side.look(below(path, unfinishedName))) === null) return false;
  unfinished.add(path);
  return true;
};

const prefixOf = (source: Placed, facts: FileFacts, isContents: boolean, isInto: boolean): string => {
  if (!isInto) return "";
  const name = baseName(source.path);
  const isDirectory = facts.type === "directory";
  if (isDirectory && (isContents || ["", ".", ".."].includes(name))) return "";
  return name;
};

const refuseKind = ({ request }: CopyRun, source: Placed, { type }: FileFacts): void => {
  if (type === "directory") {
    if (request.recursive || request.sync !== null) return;
    throw new SshMcpError("INVALID_INPUT", `${where(source)} is a directory`, {
      hint: "directories are copied with recursive (-r)",
    });
  }
  if (type === "file" || type === "unknown") return;
  throw new SshMcpError("UNSUPPORTED", `${where(source)} is no regular file (${type})`, pipeHint(source, type));
};

/** A shell's `<(command)` is a pipe, by the name of a descriptor. */
const pipeHint = ({ machine, path }: Placed, type: FileFacts["type"] | null): { hint?: string } =>
  machine === null && (type === "fifo" || path.startsWith("/dev/fd/"))
    ? { hint: "what a command prints: COMMAND | ssh-mcp cp - TARGET:PATH" }
    : {};

/** `FOLDER/.` is where `FOLDER` is. */
const withoutDot = (path: string): string => path.replace(/(?<=.)(?:\/+\.)+\/*$/, "");

const needsDirectory = (destination: Placed, now: FileFacts | null): SshMcpError =>
  now === null
    ? new SshMcpError("NOT_FOUND", `${where(destination)} is not there, and has to be a directory`)
    : new SshMcpError("ALREADY_EXISTS", `${where(destination)} is there, and is no directory`);

export const where = ({ side, path }: Placed): string =>
  side.server === null ? shown(path) : `${shown(path)} on ${side.server}`;
