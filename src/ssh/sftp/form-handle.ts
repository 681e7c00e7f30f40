import type { FileChanges, FileFacts } from "../../core/files/file-facts.ts";
import { StatusReply } from "./replies.ts";
import { type Handle, setHandle } from "./requests.ts";
import type { SftpClient } from "./sftp-client.ts";

export interface Formed {
  /** Of the form that the file has, or is about to have. */
  index: number;
  /** Settled when the server has answered. */
  done: Promise<void>;
}

/**
 * Gives an open file the first of several forms that the server allows.
 * @param made how it is now: what it has of a form already is not set
 * @throws StatusReply when it allows none of them
 */
export const formHandle = async (
  client: SftpClient,
  handle: Handle,
  made: FileFacts,
  forms: readonly FileChanges[],
): Promise<Formed> => {
  let refusal: unknown = null;
  for (const [index, { uid, gid, mode, mtime }] of forms.entries()) {
    const owner = { uid: uid ?? made.uid, gid: gid ?? made.gid };
    try {
      // Before the mode, of which chown(2) takes bits away, and which is not for another group.
      if (owner.uid !== null && owner.gid !== null && (owner.uid !== made.uid || owner.gid !== made.gid))
        await setHandle(client, handle, { uid: owner.uid, gid: owner.gid });
    } catch (thrown) {
      if (!(thrown instanceof StatusReply)) throw thrown;
      refusal = thrown;
      continue;
    }
    const rest = { ...(mode === undefined ? {} : { mode }), ...(mtime === undefined ? {} : { mtime }) };
    const done = Object.keys(rest).length === 0 ? Promise.resolve() : setHandle(client, handle, rest);
    done.catch(() => undefined);
    return { index, done };
  }
  if (refusal !== null) throw refusal;
  return { index: -1, done: Promise.resolve() };
};
