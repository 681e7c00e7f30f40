import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { FileForm, Refusal, SmallFile } from "../../../src/core/files/transfer-side.ts";
import { LocalSide, type LocalSideOptions } from "../../../src/files/local/local-side.ts";
import { onCleanup } from "../../support/cleanup.ts";
import { tempDir } from "../../support/temp.ts";

/** A directory, another beside it where nothing may appear, and this machine as a side of a transfer. */
export const place = (options: Partial<LocalSideOptions> = {}) => {
  const base = tempDir("side");
  const [root, outside] = [join(base, "root"), join(base, "outside")];
  mkdirSync(root);
  mkdirSync(outside);
  const side = new LocalSide({ cwd: base, ...options });
  const close = (): void => side.close();
  onCleanup(close, close);
  return { base, root, outside, side };
};

export const plain: FileForm = { mode: null, masked: true, mtime: null };

export async function* stream(...pieces: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) yield typeof piece === "string" ? new TextEncoder().encode(piece) : piece;
}

export async function* broken(...pieces: string[]): AsyncGenerator<Uint8Array> {
  yield* stream(...pieces);
  throw new Error("the link is lost");
}

export const small = (path: string, content: string | Uint8Array = path): SmallFile => ({
  path,
  content: typeof content === "string" ? new TextEncoder().encode(content) : content,
  facts: { type: "file", size: content.length, mode: 0o644, uid: null, gid: null, mtime: null },
});

export const writeAll = async (
  side: Pick<LocalSide, "writeMany">,
  root: string,
  files: readonly SmallFile[],
  form: FileForm = plain,
) => {
  const failed: Refusal[] = [];
  let written = 0;
  const batches = async function* () {
    for (let at = 0; at < files.length; at += 100) yield files.slice(at, at + 100);
  };
  await side.writeMany(
    root,
    batches(),
    () => form,
    (one) => failed.push(one),
    (count) => {
      written += count;
    },
  );
  return { failed, written };
};

export const readAll = async (chunks: AsyncIterable<Uint8Array>): Promise<string> => {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts).toString();
};

export const walked = async (side: Pick<LocalSide, "walk">, root: string) => {
  const refused: Refusal[] = [];
  const found: Record<string, string> = {};
  for await (const some of side.walk(root, (one) => refused.push(one))) {
    for (const { path, facts, linkTarget } of some) found[path] = linkTarget === null ? facts.type : `-> ${linkTarget}`;
  }
  return { found, refused };
};

export const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "fine",
    (thrown) => String(thrown.code ?? thrown),
  );
