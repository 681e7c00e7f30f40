/** Opening a file of a server for its content: what has none is refused before anybody waits for it. */
import { SshMcpError, toSshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import type { FileFacts } from "../core/files/file-facts.ts";
import { missing } from "../core/files/path-actions.ts";
import { commandOn } from "../core/files/path-operand.ts";
import type { OpenRemoteFile, RemoteMachine } from "../core/files/remote-files.ts";
import { hintFor } from "../core/hint.ts";
import type { Context } from "../core/operation.ts";
import { quoteWord } from "../core/quote.ts";

export interface OpenedFile {
  file: OpenRemoteFile;
  /** As it was when it was opened. */
  facts: FileFacts;
}

/** Where a path lies, for messages and hints. */
export interface FilePlace {
  /** As it was given, for the next call. */
  target: string;
  sudo?: boolean | string | undefined;
  given: string;
  /** As RemoteFiles takes it. */
  path: string;
}

/** Milliseconds for a program that lets go of a server which waits for a fifo's other end. */
const releaseMs = 3000;

/**
 * In one round trip: the facts are asked for along with the file. A server that opens a fifo waits for somebody to write into it, and nothing else is
 * answered on its channel: it is let go.
 * @throws SshMcpError NOT_FOUND; REMOTE_IO for a directory, a fifo, a socket and a device; and as RemoteFiles
 */
export const openFile = async (machine: RemoteMachine, place: FilePlace, context: Context): Promise<OpenedFile> => {
  const { files } = machine;
  const path = place.path === "" ? "." : place.path;
  // Opened first: where nobody else uses the channel, that takes no look of its own before it.
  const opening = files.open(path);
  opening.catch(() => undefined);
  const looking = files.stat(path);
  looking.catch(() => undefined);
  const failure = await opening.then(() => null, toSshMcpError);
  const isFifo = failure?.code === "UNSUPPORTED";
  if (isFifo && files.via === "sftp") await released(machine, path);
  const facts = await looking.catch((thrown: unknown) => {
    if (failure === null) void opening.then((file) => file.close());
    // Given up with the channel: what was said of the opening stands.
    throw isFifo ? failure : thrown;
  });
  const refused = facts === null ? null : refusal(facts, place, context);
  if (refused !== null) {
    if (failure === null) (await opening).close();
    throw refused;
  }
  if (failure !== null) throw facts === null && failure.code === "NOT_FOUND" ? missing(path) : failure;
  const file = await opening;
  return { file, facts: facts ?? (await file.facts()) };
};

/**
 * The other end of a fifo, for a moment: opened for both, it waits for nobody (fifo(7)). Who may not do that gives the channel up, and the next call finds
 * another.
 */
const released = async (machine: RemoteMachine, path: string): Promise<void> => {
  const script = `exec 3<>${quoteWord(path.startsWith("/") ? path : `./${path}`)}`;
  const nothing = (): undefined => undefined;
  await machine.run({ script, timeoutMs: releaseMs }).then(nothing, nothing);
  // Answered when the server is free, and failed when its channel has ended.
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, releaseMs);
  await Promise.race([machine.files.lstat("/").then(nothing, nothing), late]);
  clearTimeout(timer);
};

/** @returns null for what can be read */
const refusal = ({ type }: FileFacts, { target, sudo, given }: FilePlace, { caller }: Context): SshMcpError | null => {
  if (type === "file" || type === "unknown" || type === "symlink") return null;
  const name = shown(given === "" ? "~" : given);
  if (type !== "directory")
    return new SshMcpError("REMOTE_IO", `${name} is a ${specials[type] ?? type}, which has no content to read`);
  const hint = hintFor(caller, {
    command: commandOn({ target, sudo }, ["ls"], given),
    tool: `ssh_list_directory ${JSON.stringify({ target, path: given, sudo })}`,
  });
  return new SshMcpError("REMOTE_IO", `${name} is a directory`, { hint });
};

const specials: Readonly<Record<string, string>> = { character: "character device", block: "block device" };
