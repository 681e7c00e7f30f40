import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { FileFacts } from "../../core/files/file-facts.ts";
import { parentOf } from "../../core/files/remote-path.ts";
import { below, nameOf } from "./below.ts";
import type { Placed } from "./placed.ts";
import { endsAll } from "./tally.ts";

/**
 * Two sessions may lead to one server: what one of them makes there, the other sees.
 * @param prefix below the destination
 * @param deletes whether what the source has not goes from the destination
 * @throws SshMcpError INVALID_INPUT when a file would be copied onto itself, or a directory into itself; or onto what holds it, where it would be deleted
 */
export const refuseItself = async (
  source: Placed,
  destination: Placed,
  prefix: string,
  facts: FileFacts,
  deletes: boolean,
): Promise<void> => {
  const { machine } = source;
  const other = destination.machine;
  if (machine === null || other === null || (machine !== other && facts.type !== "directory")) return;
  const [from, to] = await Promise.all([
    machine.files.resolve(source.path),
    real(other, below(destination.path, prefix)),
  ]);
  const isInside = facts.type === "directory" && holds(from, to);
  const isHeld = deletes && holds(to, from);
  if (from !== to && !isInside && !isHeld) return;
  if (machine !== other && !(await isOneServer(machine, other, to))) return;
  const what =
    from === to
      ? "onto itself"
      : isInside
        ? `into itself: ${shown(to)}`
        : `with delete onto what holds it: ${shown(to)}`;
  throw new SshMcpError("INVALID_INPUT", `${shown(source.path)} on ${machine.name} cannot be copied ${what}`);
};

const holds = (folder: string, path: string): boolean => path.startsWith(folder === "/" ? "/" : `${folder}/`);

type Machine = NonNullable<Placed["machine"]>;

/** @param path one that is there or will be, as both have it */
const isOneServer = async (one: Machine, other: Machine, path: string): Promise<boolean> => {
  const folder = (await other.files.stat(path))?.type === "directory" ? path : parentOf(path);
  const sign = below(folder, `.${crypto.randomUUID()}.ssh-mcp-tmp`);
  try {
    await other.files.makeDirectory(sign, 0o700);
  } catch (thrown) {
    if (endsAll(toSshMcpError(thrown))) throw thrown;
    // Nothing can be copied to there, either.
    return false;
  }
  try {
    return (await one.files.lstat(sign)) !== null;
  } finally {
    await other.files.removeDirectory(sign).catch(() => {});
  }
};

/** Where a name is or will be: what is not there yet has a parent that is. */
const real = async (machine: Machine, path: string): Promise<string> => {
  if ((await machine.files.stat(path)) !== null) return await machine.files.resolve(path);
  const parent = await machine.files.resolve(parentOf(path)).catch(() => parentOf(path));
  return below(parent, nameOf(path.replace(/\/+$/, "")));
};
