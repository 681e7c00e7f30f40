/**
 * The POSIX sh program that stops a command on the server: read by `/bin/sh -s` on a channel of the same connection, so that it runs as
 * the same user, beside the command, under the same server process. It needs /proc and `kill`; grep finds tagged processes, and nothing
 * else is run but `sleep`. It writes one line, `MARK VERDICT`:
 *
 * - `gone`: what was found was signalled, and nothing of it is left
 * - `none`: nothing of the command was there
 * - `left`: something is left after KILL
 * - `unsure`: several commands could be meant, and nothing was signalled
 * - `blind`: there is no /proc to look at
 *
 * What belongs to the command: every process that carries its tag in the environment, or, when there is none, the only other child of the
 * server process (`only` is 1 when no other command runs there); then the process groups and sessions these lead, and all descendants.
 * A group is signalled as a whole only when its leader's pid is the group's id and the group is not the server's own: Dropbear runs
 * every command of a connection in one group.
 */
export interface StopScriptOptions {
  /** Begins the verdict's line; unguessable, since a profile script may print anything before. */
  mark: string;
  /** `NAME=VALUE` that the command's environment holds. */
  tag: string;
  /** Whether the only sibling may be taken for the command. */
  only: boolean;
  /** False looks and signals nothing. */
  signals: boolean;
}

/** @returns the program; its options hold only letters, digits, `_` and `=`, which need no quoting */
export const stopScript = (options: StopScriptOptions): string =>
  `mark=${options.mark} tag=${options.tag} only=${options.only ? 1 : 0} signals=${options.signals ? 1 : 0}\n${program}`;

// Fields of /proc/PID/stat after the name, see proc(5): 1 state, 2 ppid, 3 pgrp, 4 session, 20 starttime.
const program = `
me=$$ server=$PPID
say() { echo "$mark $1"; exit 0; }
[ -r /proc/self/stat ] || say blind
now() { read -r up rest </proc/uptime; now=\${up%.*}\${up#*.}; }
stat() {
  { read -r line </proc/$1/stat; } 2>/dev/null || return 1
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
  case $known in *" $1:"*) return;; esac
  [ $1 = $me ] || [ $1 = $server ] || [ $1 = 1 ] && return
  stat $1 || return
  [ $parent = $me ] && return
  known="$known$1:$start "
  if [ $group = $1 ] && [ $group != $server_group ]; then groups="$groups$1 "; fi
  if [ $session = $1 ] && [ $session != $server_session ]; then sessions="$sessions$1 "; fi
}
look() {
  for file in $(grep -lsF "$tag" /proc/[0-9]*/environ 2>/dev/null); do
    file=\${file#/proc/}; adopt \${file%/environ}
  done
  siblings= count=0 table=
  for dir in /proc/[0-9]*; do
    pid=\${dir#/proc/}
    stat $pid || continue
    table="$table $pid:$parent:$group:$session:$start"
    if [ $parent = $server ] && [ $pid != $me ]; then siblings="$siblings $pid"; count=$((count + 1)); fi
  done
  if [ "$known" = ' ' ]; then
    if [ $count = 1 ] && [ $only = 1 ]; then adopt $siblings
    elif [ $count -gt 0 ]; then unsure=1; fi
  fi
  alive= grown=1
  while [ $grown = 1 ]; do
    grown=0
    for row in $table; do
      pid=\${row%%:*} row=\${row#*:}; parent=\${row%%:*} row=\${row#*:}
      group=\${row%%:*} row=\${row#*:}; session=\${row%%:*}
      case $known in *" $pid:"*) continue;; esac
      case $groups in *" $group "*) ;; *) case $sessions in *" $session "*) ;; *) case $known in *" $parent:"*) ;; *) continue;; esac;; esac;; esac
      before=$known; adopt $pid
      [ "$before" = "$known" ] || grown=1
    done
  done
  for entry in $known; do
    case " $table " in *" \${entry%%:*}:"*":\${entry#*:} "*) alive="$alive \${entry%%:*}";; esac
  done
}
hit() {
  for leader in $groups; do kill -$1 -$leader 2>/dev/null; done
  for pid in $alive; do stat $pid && case $groups in *" $group "*) ;; *) kill -$1 $pid 2>/dev/null;; esac; done
}
unsure=0
look
if [ "$known" = ' ' ]; then [ $unsure = 1 ] && say unsure; say none; fi
[ $signals = 1 ] || { [ -n "$alive" ] && say left; say none; }
now; begun=$now rung=0
while :; do
  now; past=$((now - begun))
  case $rung in
  0) hit INT; rung=1;;
  1) [ $past -ge 100 ] && { hit TERM; rung=2; };;
  2) [ $past -ge 200 ] && { hit KILL; rung=3; };;
  3) [ $past -ge 350 ] && say left; hit KILL;;
  esac
  sleep 0.05 2>/dev/null || sleep 1
  look
  if [ -z "$alive" ]; then look; [ -z "$alive" ] && say gone; fi
done
`;
