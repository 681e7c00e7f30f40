/**
 * The POSIX sh program that stops commands on the server: read by `/bin/sh -s` on a channel of the same connection, so that it runs as the
 * same user, beside the commands, under the same server process. It needs /proc, `kill` and grep; it runs nothing else but `sleep`. It
 * writes three lines, `MARK begun` as soon as it runs, `MARK looked` when all that is to be stopped is known, and `MARK VERDICT`:
 *
 * - `gone`: what was found was signalled, and nothing of it is left
 * - `none`: nothing of the commands was there
 * - `left`: something is left after KILL
 * - `unsure`: other commands could be meant, and nothing was signalled
 * - `blind`: the process table, or the environments in it, cannot be read
 *
 * What belongs to the commands: every process that carries one of their tags in its environment; when there is none and `all` is set,
 * every other child of the server process; then the process groups and sessions these lead, and all descendants. A process is known by
 * its number and start time together, and a group or session is forgotten as soon as it has no member, so that no number that was given to
 * somebody else is ever signalled. A group is signalled as a whole only when its leader's pid is the group's id and the group is not the
 * server's own: Dropbear runs every command of a connection in one group.
 */
export interface StopScriptOptions {
  /** Begins the verdict's line; unguessable, since a profile script may print anything before. */
  mark: string;
  /** Name of the variable that tags are the values of. The helper's own environment holds it with the mark, when `tagged`. */
  variable: string;
  /** The commands' tags. */
  tags: readonly string[];
  /** Whether the server took the tags. */
  tagged: boolean;
  /** Whether these are all commands of the connection, and none is begun meanwhile: then its other children are theirs. */
  all: boolean;
  /** False looks and signals nothing. */
  signals: boolean;
}

/** @returns the program; its options hold only letters, digits, `_` and `-`, which need no quoting */
export const stopScript = ({ mark, variable, tags, tagged, all, signals }: StopScriptOptions): string => {
  const patterns = tags.map((tag) => `-e ${variable}=${tag}`).join(" ");
  const flags = `tagged=${Number(tagged)} all=${Number(all)} signals=${Number(signals)}`;
  return `mark=${mark} own=${variable}=${mark} patterns='${patterns}' ${flags}\n${program}`;
};

// Fields of /proc/PID/stat after the name, see proc(5): 1 state, 2 ppid, 3 pgrp, 4 session, 20 starttime. The name may hold anything.
const program = `
me=$$ server=\${1:-$PPID}
echo "$mark begun"
say() { echo "$mark $1"; exit 0; }
[ -r /proc/self/stat ] || say blind
command -v grep >/dev/null 2>&1 || say blind
[ $tagged = 0 ] || grep -qsF $own /proc/$me/environ || say blind
now() { read -r up rest </proc/uptime; now=\${up%.*}\${up#*.}; }
stat() {
  line=
  { while read -r part || [ -n "$part" ]; do line="$line $part"; done </proc/$1/stat; } 2>/dev/null || return 1
  line=\${line##*) }
  set -- $1 $line
  [ $# -gt 20 ] || return 1
  case $2 in Z|X) return 1;; esac
  parent=$3 group=$4 session=$5 start=\${21}
}
stat $server || say blind
server_group=$group server_session=$session
known=' ' groups=' ' sessions=' '
adopt() {
  for row in $rows; do
    pid=\${row%%:*} row=\${row#*:}; parent=\${row%%:*} row=\${row#*:}
    group=\${row%%:*} row=\${row#*:}; session=\${row%%:*} start=\${row#*:}
    case $known in *" $pid:$start "*) continue;; esac
    case $roots in *" $pid "*) ;; *) case $groups in *" $group "*) ;; *) case $sessions in *" $session "*) ;; *)
      case $pids in *" $parent "*) ;; *) continue;; esac;; esac;; esac;; esac
    known="$known$pid:$start " pids="$pids$pid " grown=1
    if [ $group = $pid ] && [ $group != $server_group ]; then groups="$groups$pid "; fi
    if [ $session = $pid ] && [ $session != $server_session ]; then sessions="$sessions$pid "; fi
  done
}
look() {
  roots=' '
  for file in $(grep -lsF $patterns /proc/[0-9]*/environ 2>/dev/null); do
    file=\${file#/proc/}; roots="$roots\${file%/environ} "
  done
  rows= live=' ' live_groups=' ' live_sessions=' ' siblings=' '
  for dir in /proc/[0-9]*; do
    pid=\${dir#/proc/}
    case $pid in 1|$me|$server) continue;; esac
    stat $pid || continue
    [ $parent = $me ] && continue
    rows="$rows $pid:$parent:$group:$session:$start" live="$live$pid:$start "
    live_groups="$live_groups$group " live_sessions="$live_sessions$session "
    if [ $parent = $server ]; then siblings="$siblings$pid "; fi
  done
  kept=' '; for id in $groups; do case $live_groups in *" $id "*) kept="$kept$id ";; esac; done; groups=$kept
  kept=' '; for id in $sessions; do case $live_sessions in *" $id "*) kept="$kept$id ";; esac; done; sessions=$kept
  pids=' '; for entry in $known; do case $live in *" $entry "*) pids="$pids\${entry%%:*} ";; esac; done
  grown=1; while [ $grown = 1 ]; do grown=0; adopt; done
  if [ "$known" = ' ' ] && [ $all = 1 ]; then
    roots=$siblings grown=1; while [ $grown = 1 ]; do grown=0; adopt; done
  fi
}
hit() {
  for leader in $groups; do kill -$1 -$leader 2>/dev/null; done
  for entry in $known; do
    pid=\${entry%%:*}
    stat $pid && [ $start = \${entry#*:} ] || continue
    case $groups in *" $group "*) ;; *) kill -$1 $pid 2>/dev/null;; esac
  done
}
look
if [ "$known" = ' ' ]; then [ "$siblings" = ' ' ] && say none; [ $tagged = 1 ] && say none; say unsure; fi
[ $signals = 1 ] || { [ "$pids" = ' ' ] && say none; say left; }
echo "$mark looked"
now; begun=$now rung=0
while :; do
  now; past=$((now - begun))
  case $rung in
  0) hit INT; rung=1;;
  1) [ $past -ge 100 ] && { hit TERM; rung=2; };;
  2) [ $past -ge 200 ] && { hit KILL; rung=3 looks=0; };;
  # Time alone says nothing where every look takes long: what KILL met needs a moment to be gone.
  3) looks=$((looks + 1)); [ $past -ge 350 ] && [ $looks -ge 5 ] && say left; hit KILL;;
  esac
  sleep 0.05 2>/dev/null || sleep 1
  look
  if [ "$pids" = ' ' ]; then look; [ "$pids" = ' ' ] && say gone; fi
done
`;
