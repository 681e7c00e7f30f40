import { randomBytes } from "node:crypto";
import { statusCode } from "./packet-types.ts";
import { lstatPath, type PathBytes, removeFile, renamePath, replacePath } from "./requests.ts";
import { factsOf, parentOf, whyNotRenamed } from "./second-look.ts";
import type { SftpClient } from "./sftp-client.ts";
import { isStatus, isVague, type Reason } from "./sftp-failure.ts";

const exists: Reason = { code: "ALREADY_EXISTS", words: "the new name exists already" };

/** What became of it: null when it is done. */
export interface RenameFailure {
  thrown: unknown;
  reason: Reason | null;
}

/** A rename that fails when the new name is there. */
export const renameToNew = async (
  client: SftpClient,
  from: PathBytes,
  to: PathBytes,
): Promise<RenameFailure | null> => {
  // OpenSSH's is link(2) and unlink(2), and never replaces. Others' may be rename(2), which does: they are asked first.
  const isSafe = client.offers("limits@openssh.com");
  if (!isSafe && (await isThere(client, to))) return { thrown: null, reason: exists };
  try {
    await renamePath(client, from, to);
    return null;
  } catch (thrown) {
    if (!isVague(thrown)) return { thrown, reason: null };
    return { thrown, reason: (await isThere(client, to)) ? exists : await whyNotRenamed(client, from, to) };
  }
};

/**
 * A rename over what is there. Without posix-rename@openssh.com it is three steps: the old file is set aside under a name of its own, the new one gets the name, the old one is removed.
 * For a moment there is no file of that name; neither is lost, whatever step fails.
 */
export const renameOver = async (client: SftpClient, from: PathBytes, to: PathBytes): Promise<RenameFailure | null> => {
  const isWhole = client.offers("posix-rename@openssh.com");
  try {
    await (isWhole ? replacePath(client, from, to) : renamePath(client, from, to));
    return null;
  } catch (thrown) {
    if (isWhole || !isVague(thrown))
      return { thrown, reason: isVague(thrown) ? await whyNotRenamed(client, from, to) : null };
    const [source, target] = await Promise.all([factsOf(lstatPath(client, from)), factsOf(lstatPath(client, to))]);
    if (source === null || target === null || target.type === "directory") {
      return { thrown, reason: await whyNotRenamed(client, from, to) };
    }
    return await replaceInSteps(client, from, to);
  }
};

const replaceInSteps = async (client: SftpClient, from: PathBytes, to: PathBytes): Promise<RenameFailure | null> => {
  const aside = Buffer.concat([parentOf(to), Buffer.from(`/.ssh-mcp-${randomBytes(8).toString("hex")}.old`)]);
  try {
    await renamePath(client, to, aside);
  } catch (thrown) {
    return { thrown, reason: null };
  }
  try {
    await renamePath(client, from, to);
  } catch (thrown) {
    try {
      await renamePath(client, aside, to);
    } catch {
      const words = `and the old file is now called "${aside.toString("latin1").split("/").at(-1)}", beside it`;
      return { thrown, reason: { code: "REMOTE_IO", words: `the server refused it half-way, ${words}` } };
    }
    return { thrown, reason: null };
  }
  // A rest is only litter: the rename is done.
  await removeFile(client, aside).catch(() => undefined);
  return null;
};

const isThere = async (client: SftpClient, path: PathBytes): Promise<boolean> => {
  try {
    await lstatPath(client, path);
    return true;
  } catch (thrown) {
    if (isStatus(thrown, statusCode.noSuchFile)) return false;
    throw thrown;
  }
};
