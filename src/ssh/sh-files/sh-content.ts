/** Programs about what is in a file. The path is in `$p`. */
import { SshMcpError } from "../../core/errors.ts";
import type { FileChanges } from "../../core/files/file-facts.ts";
import type { WriteOptions } from "../../core/files/remote-files.ts";
import { definesFacts, factsIn } from "./facts-text.ts";
import { changeCommands } from "./sh-names.ts";
import { wordsOf } from "./sh-runner.ts";

/** Copies its input to descriptor 3, has it written to the disk, and says how the file is then. */
const takes = (forms: readonly FileChanges[]): string =>
  [
    // What the disk did not take is told by cat; its size, by the file.
    'cat >&3||{ at "$(facts -L "$p" 2>/dev/null)";no tool;}',
    ...formSteps(forms),
    // A dd that does not know fsync says so, and wrote nothing.
    'e=$(dd if=/dev/null conv=notrunc,fsync 2>&1 >&3)||case $e in *rror|*space*|*uota*)echo "$e" >&2;no tool;;esac',
    'at "$(facts -L "$p" 2>/dev/null)"',
    "ok",
  ].join("\n");

/**
 * What is done to the open file is done to it, whatever lies at its name by now; `$f` is a name for it. Where there is no such thing, a link at its name
 * is left alone.
 */
const openFile = 'f=/proc/self/fd/3;[ -e "$f" ]||f=$p';
const sameFile = `${openFile};[ "$f" = /proc/self/fd/3 ]||[ ! -L "$p" ]||no exists`;

/** Each is tried as a whole, the owner first: without that, the mode is another one. */
const formSteps = (forms: readonly FileChanges[]): string[] => {
  if (forms.length === 0) return [];
  const tries = forms.map((form, index) => `{ ${[...changeCommands(form, "$f"), `at "form ${index}"`].join("&&")};}`);
  return [sameFile, `${tries.join("||")}||no tool`];
};

// No descriptor is opened by `exec`: a shell may end when that fails, and says nothing then.
export const writeSteps = ({ offset, create, mode, forms = [], unchanged, append = false }: WriteOptions): string[] => {
  const behind = append || offset > 0;
  const isCut = offset > 0 && !append;
  const into = (redirection: string, first = ""): string => `{ ${first}${takes(forms)}\n} ${redirection}"$p"`;
  const bits = mode === null ? null : mode.toString(8).padStart(4, "0");
  const mask = bits === null ? "" : "umask 077";
  const exact = bits === null ? "" : `${openFile};chmod ${bits} "$f"||no tool;`;
  const taken = '[ -e "$p" ]||[ -L "$p" ]&&no exists';
  // A shell may open what is no regular file in spite of -C: nothing is written into that.
  const isNew = '[ -f "$p" ]&&[ ! -L "$p" ]||no exists;';
  const makesNew = [mask, "set -C", into("3>", `set +C;${isNew}${exact}`), taken, "no tool"];
  // Nothing of /dev/null is copied: dd cuts the file at the offset before.
  const cut = (name: string): string =>
    `dd if=/dev/null of="${name}" bs=1 seek=${offset} 2>/dev/null||{ : >>"$p";no tool;}`;
  // What lies at the name is what was opened, and nothing is done before that is known.
  const own = `[ -f "$p" ]&&[ ! -L "$p" ]||no changed;${openFile};[ "$p" -ef "$f" ]||no changed;${cut("$f")};`;
  const overOld = [
    '[ -d "$p" ]&&no directory',
    '[ -p "$p" ]&&no fifo',
    ...(!isCut || unchanged !== undefined ? [] : [`if [ -f "$p" ];then ${cut("$p")};fi`]),
    unchanged === undefined ? into(behind ? "3>>" : "3>") : into("3>>", own),
    "no tool",
  ];
  switch (create) {
    case "new":
      return [taken, definesFacts, ...makesNew];
    case "existing":
      return ['[ -e "$p" ]||{ ls -ldL "$p" >/dev/null;no tool;}', definesFacts, ...overOld];
    case "any":
      // What is not there may be what a link leads to; that it is no link is then no condition.
      return [
        definesFacts,
        'if [ ! -e "$p" ];then',
        mask,
        into(append ? "3>>" : "3>", exact),
        "no tool",
        "fi",
        ...overOld,
      ];
  }
};

/** Copies of descriptor 0 so many bytes (all: null) to the output, from an offset on. */
export const readSteps = (offset: number, length: number | null): string[] => [
  // One byte is copied where it leads to nothing, from right before: the rest is a seek.
  ...(offset === 0 ? [] : [`dd bs=1 skip=${offset - 1} count=1 >/dev/null||no tool`]),
  length === null ? "cat||no tool" : `head -c ${length}||no tool`,
];

/** Says how much of a broken write is there; of what was added, where others may add as well, only what is certain. */
export const bytesDone = (error: unknown, offset: number, append: boolean): unknown => {
  if (!(error instanceof SshMcpError)) return error;
  const facts = factsIn(Buffer.from(wordsOf(error).at(-1) ?? "", "latin1"))?.facts;
  if (facts?.type !== "file" || append)
    return new SshMcpError(
      error.code,
      `${error.message} (${append ? "how many bytes were added is not known" : "0 bytes were written"})`,
      error.hint === null ? {} : { hint: error.hint },
    );
  const done = Math.max(0, facts.size - offset);
  return new SshMcpError(error.code, `${error.message} (${done} bytes were written)`);
};
