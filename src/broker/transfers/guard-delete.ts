import { SshMcpError } from "../../core/errors.ts";
import { below } from "./below.ts";
import type { Placed } from "./placed.ts";
import { where } from "./plan.ts";

/** Folders of a system: nobody mirrors a directory onto one, and a slip of the hand would end the machine. */
const systems: ReadonlySet<string> = new Set(
  "bin boot dev etc home lib lib32 lib64 libx32 opt proc root run sbin sys usr var Applications Library System Users Volumes private"
    .split(" ")
    .map((name) => `/${name}`),
);

/**
 * Nothing is deleted for not being at the source in the root, in a home directory or what holds one, and in a system's own folders.
 * @throws SshMcpError INVALID_INPUT
 */
export const guardDelete = async (destination: Placed): Promise<void> => {
  const { machine, path } = destination;
  // This machine's side knows its home by itself: what it is asked to remove lies below the operand.
  if (machine === null) {
    if (/^\/*(\.?\/*)*$/.test(path) && path.startsWith("/")) throw refused(destination, "the root directory");
    if (systems.has(path.replace(/\/+$/, ""))) throw refused(destination, "a folder of the system");
    return;
  }
  const [home, real] = await Promise.all([machine.files.resolve("."), machine.files.resolve(path).catch(() => null)]);
  if (real === null) return;
  if (real === "/") throw refused(destination, "the root directory");
  if (systems.has(real)) throw refused(destination, "a folder of the system");
  if (real === home) throw refused(destination, "the home directory");
  if (home.startsWith(below(real, "") === "/" ? "/" : `${real}/`))
    throw refused(destination, "what holds the home directory");
};

const refused = (destination: Placed, what: string): SshMcpError =>
  new SshMcpError(
    "INVALID_INPUT",
    `${where(destination)} is ${what}: nothing is deleted there for not being at the source`,
    {
      hint: "name the directory to mirror itself, or leave out --delete",
    },
  );
