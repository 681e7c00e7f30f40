import { SshMcpError } from "../../core/errors.ts";
import type { FileFacts } from "../../core/files/file-facts.ts";
import { dropHandle, type Handle } from "./requests.ts";
import type { SftpClient } from "./sftp-client.ts";

/** Milliseconds that an OPEN of a FIFO may take, with somebody at its other end. */
const patience = 200;

/**
 * Opens what a name leads to, unless that is a FIFO. A server that opens one waits for somebody at its other end, and answers nothing else meanwhile. Where others use the channel, or would wait with it,
 * the name is looked at first. Where nobody does, that goes out together, in one round trip; a FIFO costs the channel then, unless its other end is there: what a writer there has written
 * until now may be lost with the handle that nobody reads.
 * @param open asks for it; nobody else handles its failure when this throws
 * @throws SshMcpError UNSUPPORTED for a FIFO
 */
export const openNoFifo = async (
  client: SftpClient,
  look: () => Promise<FileFacts>,
  open: () => Promise<Handle>,
  action: string,
): Promise<{ opening: Promise<Handle> }> => {
  const isShared = client.isInUse;
  const looking = isFifo(look());
  if (isShared && (await looking)) throw refusal(action);
  const opening = open();
  opening.catch(() => undefined);
  if (isShared || !(await looking)) return { opening };
  const stuck = new SshMcpError(
    "CONNECTION_LOST",
    "the SFTP server waits for the other end of a FIFO; its channel was given up",
  );
  const timer = setTimeout(() => client.end(stuck), patience);
  opening
    .then((handle) => dropHandle(client, handle))
    .catch(() => undefined)
    .finally(() => clearTimeout(timer));
  throw refusal(action);
};

/** What cannot be looked at is none: opening it says why. */
const isFifo = async (looking: Promise<FileFacts>): Promise<boolean> => {
  try {
    return (await looking).type === "fifo";
  } catch {
    return false;
  }
};

const refusal = (action: string): SshMcpError =>
  new SshMcpError("UNSUPPORTED", `${action}: it is a FIFO, which has no content of its own`);
