/**
 * Thousands of small files, in slices. Where Linux has them, a file is made without a name, and gets it in one step when it is whole: nothing is left of
 * one that breaks, and it costs a quarter less than a rename. Else, and over a file that is there, as local-write.ts does.
 */
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { keyHeadLength } from "../../core/files/secret-names.ts";
import { type FileForm, partName, type Refusal, type SmallFile } from "../../core/files/transfer-side.ts";
import { atCalls, type CName } from "./at-calls.ts";
import type { CreatedFiles } from "./created-files.ts";
import { localError } from "./local-errors.ts";
import type { Place } from "./local-places.ts";
import { cName } from "./local-tree.ts";
import { checkFree, finalMode, shape, umask } from "./local-write.ts";
import type { Look } from "./look.ts";
import { checkPart, dropPart, openPart } from "./part-file.ts";
import { Slice } from "./turns.ts";

export interface ManyOptions {
  find: (path: string) => Place;
  form: (file: SmallFile) => FileForm;
  created: CreatedFiles;
  onFailed: (failure: Refusal) => void;
  onWritten: (files: number, bytes: number) => void;
}

export const writeSmallFiles = async (
  files: AsyncIterable<readonly SmallFile[]>,
  options: ManyOptions,
): Promise<void> => {
  const slice = new Slice();
  const last = { wasTaken: false };
  let [count, bytes] = [0, 0];
  const tell = (): void => {
    if (count > 0) options.onWritten(count, bytes);
    [count, bytes] = [0, 0];
  };
  try {
    for await (const some of files) {
      for (const file of some) {
        try {
          writeSmall(file, options, last);
          count++;
          bytes += file.content.length;
        } catch (thrown) {
          const { code, message } = toSshMcpError(thrown);
          options.onFailed({ path: file.path, code, message });
        }
        if (!slice.isOver) continue;
        tell();
        await slice.next();
      }
      tell();
    }
  } finally {
    tell();
  }
};

const writeSmall = (file: SmallFile, { find, form, created }: ManyOptions, last: { wasTaken: boolean }): void => {
  const { tree, path } = find(file.path);
  const where = tree.shownPath(path);
  tree.policy.checkHead(file.content.subarray(0, keyHeadLength), where);
  try {
    const { directory, name, text } = tree.spot(path);
    const work: Work = { directory, name, path, content: file.content, form: form(file), created };
    // Among new names a look is for nothing: a name that is taken is not linked. Where one was taken, the next may be, too.
    const isFree = !last.wasTaken || checkFree(atCalls().look(directory, name), path, created) === null;
    last.wasTaken = !(isFree && writeUnnamed(work));
    if (!last.wasTaken) return;
    writePart(work, text, where);
  } catch (cause) {
    throw localError(where, "written", cause);
  }
};

interface Work {
  directory: number;
  name: CName;
  path: string;
  content: Uint8Array;
  form: FileForm;
  created: CreatedFiles;
}

/** @returns false where that cannot be done */
const writeUnnamed = ({ directory, name, path, content, form, created }: Work): boolean => {
  const calls = atCalls();
  const mode = finalMode(form.mode, form.masked, null);
  const file = calls.openUnnamed(directory, mode & 0o777);
  if (file === null) return false;
  try {
    fill(file, content);
    // The umask has had its say.
    if ((mode & ~0o777) !== 0 || (mode & umask()) !== 0) calls.changeMode(file, mode);
    if (form.mtime !== null) calls.changeTimes(file, form.mtime);
    const look = calls.lookAt(file);
    if (!calls.link(file, directory, name)) return false;
    created.add(look, path);
    return true;
  } finally {
    calls.close(file);
  }
};

const writePart = ({ directory, name, path, content, form, created }: Work, text: string, where: string): void => {
  const calls = atCalls();
  const part = cName(partName(text));
  const there: Look | null = checkFree(calls.look(directory, name), path, created);
  const file = openPart(directory, part, 0, where);
  try {
    fill(file, content);
    shape(file, form, there);
    calls.flush(file);
    const look = calls.lookAt(file);
    checkPart(directory, part, look, where);
    calls.rename(directory, part, name);
    if (there !== null) created.forget(there);
    created.add(look, path);
  } catch (thrown) {
    dropPart(directory, part, file);
    throw thrown;
  } finally {
    calls.close(file);
  }
};

/** One write may take less than it was given. */
const fill = (file: number, content: Uint8Array): void => {
  for (let at = 0; at < content.length; ) {
    const taken = atCalls().write(file, at === 0 ? content : content.subarray(at));
    if (taken === 0) throw new SshMcpError("LOCAL_IO", "a write took nothing");
    at += taken;
  }
};
