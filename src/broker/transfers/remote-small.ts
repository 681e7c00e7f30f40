import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { RemoteFiles } from "../../core/files/remote-files.ts";
import { type SmallFile, smallFileLimit } from "../../core/files/transfer-side.ts";
import { below } from "./below.ts";

/**
 * One small file over SFTP.
 * @throws SshMcpError as RemoteFiles; TOO_LARGE for one that is no small file any more; UNSUPPORTED for what is no file
 */
export const readSmall = async (files: RemoteFiles, root: string, path: string): Promise<SmallFile> => {
  const at = below(root, path);
  const file = await files.open(at);
  try {
    const [facts, content] = await Promise.all([file.facts(), contentOf(file.read(0, null), at)]);
    if (facts.type !== "file" && facts.type !== "unknown") {
      throw new SshMcpError("UNSUPPORTED", `${shown(at)} is no regular file any more (${facts.type})`);
    }
    return { path, facts: { ...facts, size: content.length }, content };
  } finally {
    file.close();
  }
};

const contentOf = async (bytes: AsyncIterable<Uint8Array>, at: string): Promise<Uint8Array> => {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of bytes) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > smallFileLimit) throw new SshMcpError("TOO_LARGE", `${shown(at)} has grown while it was to be read`);
  }
  const [only] = chunks;
  return chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
};
