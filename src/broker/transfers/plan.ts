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
      if (facts === null) throw new SshMcpError("NOT_FOUND", `${where(source)} is not there`);
      refuseKind(run, source, facts);
      const prefix = prefixOf(source, facts, request.sync !== null || goesOn, isDirectory);
      if (facts.type === "directory" && now !== null && !isDirectory) throw needsDirectory(destination, now);
      if (facts.type !== "directory" && now === null && endsWithSlash(destination.path))
        throw needsDirectory(destination, now);
      const looks = prefix !== "" && (facts.type === "directory" || compares(run));
      const there = prefix === "" ? now : looks ? await destination.side.look(below(destination.path, prefix)) : null;
      await refuseItself(source, destination, prefix, facts);
      jobs[index] = {
        ...{ source: source.side, from: source.path, facts },
        ...{ destination: destination.side, root: destination.path, prefix, now: there },
      };
    } catch (thrown) {
      if (isOnly) throw thrown;
      run.tally.failed(source.path, thrown);
    }
  });
  return jobs.filter((job) => job !== null && job !== undefined);
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
  throw new SshMcpError("UNSUPPORTED", `${where(source)} is no regular file (${type})`);
};

const needsDirectory = (destination: Placed, now: FileFacts | null): SshMcpError =>
  now === null
    ? new SshMcpError("NOT_FOUND", `${where(destination)} is not there, and has to be a directory`)
    : new SshMcpError("ALREADY_EXISTS", `${where(destination)} is there, and is no directory`);

export const where = ({ side, path }: Placed): string =>
  side.server === null ? shown(path) : `${shown(path)} on ${side.server}`;
