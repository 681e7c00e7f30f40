import { notMirroredOnto, systemFolders } from "../../core/files/mirrored-onto.ts";
import type { Placed } from "./placed.ts";

/**
 * Nothing is deleted for not being at the source in the root, in a home directory or what holds one, and in a system's own folders. What a path of this
 * machine leads to is known only there.
 * @param logins home of whoever logged in, where the files are another user's; resolved
 * @throws SshMcpError INVALID_INPUT
 */
export const guardDelete = async (destination: Placed, logins: string | null): Promise<void> => {
  const { machine, path, side } = destination;
  if (machine === null) return await side.checkMirror?.(path);
  const [home, real] = await Promise.all([machine.files.resolve("."), machine.files.resolve(path).catch(() => null)]);
  if (real === null) return;
  const refused = (what: string) => notMirroredOnto(path, what);
  if (real === "/") throw refused("the root directory");
  if (systemFolders.has(real)) throw refused("a folder of the system");
  const within = real.endsWith("/") ? real : `${real}/`;
  for (const kept of logins === null ? [home] : [home, logins]) {
    if (real === kept) throw refused("a home directory");
    if (kept.startsWith(within)) throw refused("what holds a home directory");
  }
};
