/** Removing a directory with all that is in it: by a program on the server, which is one round trip, else by its names. */
import { SshMcpError } from "../errors.ts";
import { escapeLine, shown } from "../escape.ts";
import { hintFor } from "../hint.ts";
import type { Caller } from "../operation.ts";
import { howToLook } from "./how-to-look.ts";
import { missing, removePath } from "./path-actions.ts";
import { type ActsOn, commandOn } from "./path-operand.ts";
import type { RemoteMachine } from "./remote-files.ts";
import { withoutSlashes } from "./remote-path.ts";
import { parseRemoval, type Removal, removeTreeProgram } from "./remote-scripts.ts";
import { removablePath } from "./removal-guard.ts";
import { removeTree } from "./remove-tree.ts";

/** Bytes kept of what the program says. */
const mostSaid = 16 * 1024;

export interface RemovalScope {
  caller: Pick<Caller, "face">;
  signal: AbortSignal;
  /** Directories that are protected beside the home of the files' user, resolved. */
  homes: readonly string[];
  /** What was called, for a hint; absent for the machine itself. */
  where?: ActsOn;
}

/**
 * A link is removed itself, and none is followed. Refused are the root, home directories and what holds one, and top-level folders, where they really
 * lie.
 * @throws SshMcpError INVALID_INPUT for what is refused; NOT_FOUND; and as RemoteFiles
 */
export const removeRecursively = async (machine: RemoteMachine, path: string, scope: RemovalScope): Promise<void> => {
  const { files } = machine;
  const full = await removablePath(files, path, scope.homes);
  const facts = await files.lstat(full);
  if (facts === null) throw missing(path);
  if (facts.type !== "directory") {
    return await removePath(files, withoutSlashes(path) === path ? full : `${full}/`, "");
  }
  const byProgram = await programRemoval(machine, full, scope);
  if (byProgram === null) {
    await removeTree(files, full, scope.signal);
    return;
  }
  const { removal, said } = byProgram;
  if (removal === "removed" || removal === "absent") return;
  if (removal === "refused") {
    throw new SshMcpError(
      "INVALID_INPUT",
      `${shown(path)} is, or holds, a home directory, or lies at the top: it is never removed with all that is in it`,
    );
  }
  if (removal === "moved") {
    const message = `${shown(path)} is in another directory by now; nothing was removed`;
    throw new SshMcpError("PRECONDITION_FAILED", message);
  }
  const why = said === "" ? "" : `: ${said}`;
  const isDenied = /permission denied|not permitted/i.test(said);
  throw new SshMcpError(
    isDenied ? "REMOTE_PERMISSION" : "REMOTE_IO",
    `not all of ${shown(path)} could be removed${why}`,
    {
      hint: hintFor(scope.caller, {
        command: commandOn(scope.where ?? { target: machine.name }, ["ls", "-la"], full),
        tool: "ssh_list_directory",
      }),
    },
  );
};

/** Null where there is no sh. */
const programRemoval = async (
  machine: RemoteMachine,
  path: string,
  scope: RemovalScope,
): Promise<{ removal: Removal; said: string } | null> => {
  const stdout = new Said();
  const stderr = new Said();
  let isLost = false;
  try {
    const { outcome } = await machine.run({ script: removeTreeProgram(path), stdout, stderr, timeoutMs: null });
    isLost = outcome === "unknown";
  } catch (thrown) {
    if (thrown instanceof SshMcpError && thrown.code === "UNSUPPORTED") return null;
    throw thrown;
  }
  const removal = parseRemoval(stdout.bytes());
  const [said = ""] = new TextDecoder().decode(stderr.bytes()).split("\n");
  // A program that said nothing may have run or not; what is there decides.
  if (removal === "unknown" && said === "") {
    const facts = await machine.files.lstat(path).catch((thrown: unknown) => {
      throw isLost ? maybeRemoved(machine, path, scope, thrown) : thrown;
    });
    if (facts !== null) return null;
    return { removal: "removed", said: "" };
  }
  return { removal, said: escapeLine(said.slice(0, 300)) };
};

const maybeRemoved = (
  machine: RemoteMachine,
  path: string,
  { caller, where = { target: machine.name } }: RemovalScope,
  cause: unknown,
): SshMcpError =>
  new SshMcpError(
    "OUTCOME_UNKNOWN",
    `how much of ${shown(path)} was removed is not known: the connection to ${machine.name} was lost meanwhile`,
    { hint: howToLook(where, path, caller), cause },
  );

class Said {
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  async write(bytes: Uint8Array): Promise<void> {
    const part = bytes.slice(0, mostSaid - this.#length);
    this.#length += part.length;
    if (part.length > 0) this.#parts.push(part);
  }

  bytes(): Uint8Array {
    const whole = new Uint8Array(this.#length);
    let at = 0;
    for (const part of this.#parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }
}
