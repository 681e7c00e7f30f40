import { SshMcpError } from "../../core/errors.ts";
import type { FileFacts } from "../../core/files/file-facts.ts";
import { dropHandle, type Handle } from "./requests.ts";
import type { SftpClient } from "./sftp-client.ts";

/** Milliseconds that an OPEN of a FIFO may take, with somebody at its other end. */
const patience = 200;

/**
 * A server that opens a FIFO waits for somebody at its other end, and answers nothing else meanwhile: whoever shares the channel would hang with it. So the name is looked at
 * in the same round trip, and where it is a FIFO the channel is given up, unless the answer comes at once.
 * @param opening nobody else handles its failure when this throws
 * @throws SshMcpError UNSUPPORTED for a FIFO
 */
export const refuseFifo = async (
  client: SftpClient,
  looking: Promise<FileFacts>,
  opening: Promise<Handle>,
  action: string,
): Promise<void> => {
  const facts = await looking.catch(() => null);
  if (facts?.type !== "fifo") return;
  const refusal = new SshMcpError("UNSUPPORTED", `${action}: it is a FIFO, which has no content of its own`);
  const stuck = new SshMcpError(
    "CONNECTION_LOST",
    "the SFTP server waits for the other end of a FIFO; its channel was given up",
  );
  const timer = setTimeout(() => client.end(stuck), patience);
  opening
    .then((handle) => dropHandle(client, handle))
    .catch(() => undefined)
    .finally(() => clearTimeout(timer));
  throw refusal;
};
