/** Programs about names and facts. The path is in `$p`, of a renaming the second one in `$q`. See sh-runner.ts for `ok`, `no` and `there`. */
import type { FileChanges } from "../../core/files/file-facts.ts";

/** Sets `$T` to the option that keeps mv(1) and ln(1) from writing into a directory that has the name; where there is none, it is looked at before. */
const neverInto = (tool: "mv" | "ln", reason: "exists" | "directory" = "exists"): string =>
  `case $(${tool} --help 2>&1 </dev/null) in *"	-T"*|*" -T"*)T=-T;;*)T=;[ -d "$q" ]&&no ${reason};;esac`;

/** Device numbers of the file and of where it is to go: mv(1) would copy from one to the other, which is not one step. */
const sameDevice = [
  'd() { stat -c %d "$1" 2>/dev/null||stat -f %d "$1" 2>/dev/null;}',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: of sh
  "o=${q%/*};case $q in /*/*|[!/]*/*);;*)o=/;;esac",
  'x=$(d "$p")&&y=$(d "$o")&&[ "$x" != "$y" ]&&no cross',
].join("\n");

export const renameSteps = (replace: boolean): string[] => {
  const checks = ['there "$p"', sameDevice];
  if (replace) {
    return [
      ...checks,
      'if [ -d "$q" ]&&[ ! -L "$q" ];then [ -d "$p" ]&&[ ! -L "$p" ]||no directory;fi',
      neverInto("mv", "directory"),
      'mv -f $T -- "$p" "$q" </dev/null||no tool',
      "ok",
    ];
  }
  return [
    ...checks,
    '[ -e "$q" ]||[ -L "$q" ]&&no exists',
    // A second name for the file is refused where the name is taken, in one step: link(2).
    'if [ -f "$p" ]&&[ ! -L "$p" ];then',
    neverInto("ln"),
    'if ln $T -- "$p" "$q" 2>/dev/null;then',
    // Where the old name has to stay, the new one goes again.
    'rm -f -- "$p"||{ [ ! "$p" -ef "$q" ]||rm -f -- "$q" 2>/dev/null;no tool;}',
    "ok;fi",
    '[ -e "$q" ]||[ -L "$q" ]&&no exists',
    "fi",
    // Directories, links, and file systems without hard links.
    neverInto("mv"),
    'mv -n $T -- "$p" "$q" </dev/null||no tool',
    '[ -e "$p" ]||[ -L "$p" ]&&no exists',
    "ok",
  ];
};

export const symlinkSteps: readonly string[] = [
  '[ -e "$p" ]||[ -L "$p" ]&&no exists',
  "q=$p",
  neverInto("ln"),
  'ln -s $T -- "$t" "$p"||{ [ -L "$p" ]&&no exists;no tool;}',
  "ok",
];

/** Prints the path and a newline. What is not there yet may be the last part of it, as for readlink(1). */
export const resolveSteps: readonly string[] = [
  'if [ -d "$p" ]&&cd -P "$p" 2>/dev/null;then pwd -P;ok;fi',
  'readlink -f "$p" 2>/dev/null&&ok',
  'realpath "$p" 2>/dev/null&&ok',
  // Without these, what is no link lies in what its directory really is.
  // biome-ignore lint/suspicious/noTemplateCurlyInString: of sh
  '[ -L "$p" ]&&no tool;d=${p%/*};d=${d:-/};there "$d";[ -d "$d" ]||no notdirectory;cd -P "$d"||no tool',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: of sh
  'd=$(pwd -P&&echo .);d=${d%??};printf "%s/%s\\n" "${d%/}" "${p##*/}"',
  "ok",
];

/** Prints what the link in `$p` says, and a newline. ls(1) is for where readlink(1) is not: what it says before the name has no slash. */
export const readLinkSteps: readonly string[] = [
  'if command -v readlink >/dev/null 2>&1;then readlink "$p"||no tool;ok;fi',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: of sh
  'l=$(ls -ld "$p"&&echo .);l=${l%??};printf "%s\\n" "${l#*" $p -> "}"',
  "ok",
];

/** One command for each thing to change of a name in a word of sh, owners first: the system takes setuid bits away when one changes. */
export const changeCommands = ({ mode, uid, gid, mtime }: FileChanges, name: string): string[] => {
  const commands: string[] = [];
  if (uid !== undefined) commands.push(`chown ${uid}${gid === undefined ? "" : `:${gid}`} "${name}"`);
  else if (gid !== undefined) commands.push(`chgrp ${gid} "${name}"`);
  if (mode !== undefined) commands.push(`chmod ${mode.toString(8).padStart(4, "0")} "${name}"`);
  if (mtime !== undefined)
    commands.push(`{ TZ=UTC0 touch -c -t ${stamp(mtime)} "${name}" 2>/dev/null||touch -c -d @${mtime} "${name}";}`);
  return commands;
};

export const changeSteps = (changes: FileChanges): string[] => {
  const commands = changeCommands(changes, "$p");
  // A dangling link would be taken for something that is there.
  const isThere = '[ -e "$p" ]||{ ls -ldL "$p" >/dev/null;no tool;}';
  return commands.length === 0 ? [] : [isThere, ...commands.map((command) => `${command}||no tool`), "ok"];
};

/** POSIX, touch, option -t. */
const stamp = (seconds: number): string => {
  const iso = new Date(Math.min(Math.max(seconds, -62_135_596_800), 253_402_300_799) * 1000).toISOString();
  return `${iso.slice(0, 16).replace(/[-T:]/g, "")}.${iso.slice(17, 19)}`;
};
