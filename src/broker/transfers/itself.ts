import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { FileFacts } from "../../core/files/file-facts.ts";
import { parentOf } from "../../core/files/remote-path.ts";
import { below, nameOf } from "./below.ts";
import type { Placed } from "./placed.ts";

/**
 * Two servers may be one; one session is.
 * @param prefix below the destination
 * @throws SshMcpError INVALID_INPUT when a file would be copied onto itself, or a directory into itself
 */
export const refuseItself = async (
  source: Placed,
  destination: Placed,
  prefix: string,
  facts: FileFacts,
): Promise<void> => {
  const { machine } = source;
  if (machine === null || machine !== destination.machine) return;
  const [from, to] = await Promise.all([
    machine.files.resolve(source.path),
    real(machine, below(destination.path, prefix)),
  ]);
  const isInside = facts.type === "directory" && `${to}/`.startsWith(from === "/" ? "/" : `${from}/`);
  if (from !== to && !isInside) return;
  const what = from === to ? "onto itself" : `into itself: ${shown(to)}`;
  throw new SshMcpError("INVALID_INPUT", `${shown(source.path)} on ${machine.name} cannot be copied ${what}`);
};

/** Where a name is or will be: what is not there yet has a parent that is. */
const real = async (machine: NonNullable<Placed["machine"]>, path: string): Promise<string> => {
  if ((await machine.files.stat(path)) !== null) return await machine.files.resolve(path);
  const parent = await machine.files.resolve(parentOf(path)).catch(() => parentOf(path));
  return below(parent, nameOf(path.replace(/\/+$/, "")));
};
