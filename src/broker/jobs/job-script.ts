/**
 * What the programs that look at jobs share. Each is POSIX sh with `ls`, `dd`, `tail`, `rm`, `sleep`, `date` and `uname`; what lies in a folder may
 * have been written by anybody of the same user, so it is read as data, by one line, and from regular files alone.
 */
import { identity } from "./process-identity.ts";

/** How long a job that has ended is kept, in seconds. */
export const keptSeconds = 7 * 24 * 60 * 60;

/** Whoever follows longer comes again. */
const longestFollowSeconds = 300;

/**
 * `final` is 1 when the job's end is written down by who saw it; `alive` is what is known of its process. That it was lost is noted for the collection
 * alone: a process that is there after all, as in another container, still counts.
 *
 * `P G S B N`: of the shell that watches the job its number, its process group or `-`, when it began, and by which boot of which machine (node).
 * `d` is the job's folder and `b` the one that holds all.
 */
const functions = `
umask 077
b=$HOME/.ssh-mcp/jobs
${identity}
never() { mkdir "$d/go" 2>/dev/null; }
number() { case $1 in ''|*[!0-9]*) return 1;; esac; [ \${#1} -lt 16 ]; }
ended() {
  final=0 how= value= at= dot=
  [ -f "$d/status" ] && { read -r how value at dot rest <"$d/status"; } 2>/dev/null
  case $how in exit|signal|void) [ "$dot" = . ] && number "$at" && final=1;; esac
  [ $final = 1 ]
}
living() {
  alive=no P=- G=- S=- B=- N=- dot=
  [ -f "$d/pid" ] && { read -r P G S B N dot rest <"$d/pid"; } 2>/dev/null
  [ -d "$d/go" ] || { alive=unborn; return 1; }
  [ "$dot" = . ] && number "$P" && [ "$P" -gt 1 ] || { P=-; return 1; }
  number "$G" && [ "$G" -gt 1 ] || G=-
  if [ "$B" != "$boot" ] || [ "$boot" = - ]; then
    [ "$N" = "$node" ] || { alive=elsewhere; return 1; }
    [ "$B" = "$boot" ] || { alive=rebooted; return 1; }
  fi
  # Containers have one boot, and each its own numbers of processes.
  [ "$N" = "$node" ] || alive=elsewhere
  identify "$P" || return 1
  if [ "$start" = - ] || [ "$S" = - ]; then [ $alive = no ] || return 1; alive=perhaps; return 0; fi
  [ "$start" = "$S" ] || return 1
  alive=yes
}
first() { x=; [ -f "$d/$2" ] && { read -r x || :; } <"$d/$2" 2>/dev/null; printf '%s %.300s\\n' "$1" "$x"; }
sizes() {
  for f in stdout stderr; do
    [ -f "$d/$f" ] && { set -- $(ls -lnL "$d/$f" 2>/dev/null); echo "size $f $5"; }
  done
}
report() {
  living; ended
  echo "job $id $alive"
  echo "end $final $how $value $at"
  echo "pid $P $N"
  [ -e "$d/killed" ] && echo killed
  first began began
  first title title
  [ -f "$d/began" ] && { read -r x; read -r x; printf 'cwd %.1000s\\n' "$x"; } <"$d/began" 2>/dev/null
  if [ -f "$d/line" ]; then first command line; else first command command; fi
}
# All but the one that was asked for.
collect() {
  asked=$1
  now=$(date +%s 2>/dev/null)
  number "$now" || return
  for d in "$b"/*; do
    id=\${d##*/}
    case $id in *[!a-z0-9]*) continue;; esac
    [ -d "$d" ] && [ ! -h "$d" ] && [ "$id" != "$asked" ] || continue
    if [ ! -d "$d/go" ]; then
      [ -n "$(find "$d" -prune -mtime +0)" ] && never && rm -rf "$d"
      continue
    fi
    if ended || { [ "$how $dot" = "lost ." ] && number "$at"; }; then
      # Whoever wrote it may have had no clock.
      [ "$at" -gt 1000000000 ] && [ $((now - at)) -gt ${keptSeconds} ] && rm -rf "$d"
    elif [ -f "$d/status" ]; then
      living
      case $alive in no|rebooted) echo "lost - $now ." 1<>"$d/status";; esac
    fi
  done 2>/dev/null
}
`;

/** @param id of one job, from `isJobId` */
const of = (id: string): string => `id=${id} d=$b/$id\n`;

const there = `[ -d "$d" ] && [ ! -h "$d" ]`;
const missing = `${there} || { echo missing; exit 0; }\n`;
/** A start that has not begun by now never will: whoever would begin it finds `go` there. */
const unborn = `[ ! -d "$d/go" ] && never && { rm -rf "$d"; echo WORD; exit 0; }\n`;

export const listScript = `${functions}
for d in "$b"/*; do
  id=\${d##*/}
  case $id in *[!a-z0-9]*) continue;; esac
  [ -d "$d" ] && [ ! -h "$d" ] && report
done
echo done
collect
`;

export const showScript = (id: string): string =>
  `${functions}${of(id)}${missing}report; sizes; echo done; collect ${id}`;

/**
 * Whether a start whose answer was lost came to something. What has not begun by then never will: its folder, or the one that says go, is made
 * here, and whoever comes late finds it there.
 */
export const settleScript = (id: string): string => `${functions}${of(id)}
void() { now=$(date +%s 2>/dev/null); mkdir "$d/go" 2>/dev/null; echo "void - \${now:-0} ." >"$d/status"; echo never; exit 0; }
mkdir -p "$b" 2>/dev/null
mkdir "$d" 2>/dev/null && void
[ -d "$d" ] || { echo missing; exit 0; }
n=0
while [ ! -d "$d/go" ] && [ $n -lt 30 ]; do n=$((n+1)); sleep 0.1 2>/dev/null || { sleep 1; n=$((n+9)); }; done
mkdir "$d/go" 2>/dev/null && void
report; sizes; echo done`;

/**
 * Waits for a job's end and then says the same as `showScript`. Looks ten times a second: nothing that blocks until another process ends is in every
 * shell. It writes to standard error now and then, so that it does not outlive its reader.
 */
export const waitScript = (id: string, seconds: number): string => `${functions}${of(id)}${missing}
n=0 most=${Math.ceil(seconds * 10)}
until ended; do
  living || case $alive in unborn) ;; *) break;; esac
  n=$((n+1))
  [ $n -le $most ] || break
  [ $((n % 100)) = 0 ] && { echo >&2 || exit; }
  sleep 0.1 2>/dev/null || { sleep 1; n=$((n+9)); }
done
report; sizes; echo done`;

/** Refuses while the job runs. */
export const removeScript = (id: string): string => `${functions}${of(id)}${missing}${unborn.replace("WORD", "removed")}
living
ended || case $alive in yes|perhaps|unborn|elsewhere) echo running; exit 0;; esac
e=$(rm -rf "$d" 2>&1)
if [ -e "$d" ]; then echo "failed $e"; else echo removed; fi
collect`;

/** Kilobytes of a log from there; its size is said on standard error. */
export const readScript = (id: string, stream: "stdout" | "stderr", from: number, blocks: number): string => `
d=$HOME/.ssh-mcp/jobs/${id} f=$d/${stream}
${there} && [ -f "$f" ] || { echo missing >&2; exit 0; }
set -- $(ls -lnL "$f" 2>/dev/null)
echo "size $5" >&2
exec dd if="$f" bs=1024 skip=${from} count=${blocks} 2>/dev/null`;

/** A log from a byte on, or its last lines, as it is now. */
export const logScript = (
  id: string,
  stream: "stdout" | "stderr",
  from: { offset: number } | { lines: number },
): string => `
d=$HOME/.ssh-mcp/jobs/${id} f=$d/${stream}
${there} && [ -f "$f" ] || { echo missing >&2; exit 4; }
exec tail ${"lines" in from ? `-n ${from.lines}` : `-c +${from.offset + 1}`} "$f"`;

/**
 * Both logs, from these bytes on, each on its own stream, until the job has ended; the last of them may be left over. A stream that is not wanted
 * carries a byte now and then, so that this does not outlive its reader; where both are wanted only the time does.
 */
export const followScript = (
  id: string,
  from: { stdout: number | null; stderr: number | null },
): string => `${functions}${of(id)}${there} || exit 0
o= e= n=0
${from.stdout === null ? "" : `[ -f "$d/stdout" ] && { tail -c +${from.stdout + 1} -f "$d/stdout" 2>/dev/null & o=$!; }`}
${from.stderr === null ? "" : `[ -f "$d/stderr" ] && { tail -c +${from.stderr + 1} -f "$d/stderr" 2>/dev/null >&2 & e=$!; }`}
leave() { kill $o $e 2>/dev/null; exit 0; }
trap leave HUP INT TERM PIPE
until ended; do
  living || case $alive in unborn) ;; *) break;; esac
  for p in $o $e; do kill -0 $p 2>/dev/null || leave; done
  n=$((n+1))
  [ $n -le ${longestFollowSeconds * 10} ] || leave
${from.stdout === null || from.stderr === null ? `  [ $((n % 100)) = 0 ] && { echo ${from.stdout === null ? "" : ">&2"} || leave; }` : ""}
  sleep 0.1 2>/dev/null || { sleep 1; n=$((n+9)); }
done
leave`;

/**
 * Ends a job: INT, TERM after a second, KILL after two, to its process group, or where it has none of its own to it and all its descendants. Only
 * when its shell is known by number and start time; from then on the group keeps its number as long as it has a member.
 */
export const killScript = (id: string): string => `${functions}${of(id)}${missing}${unborn.replace("WORD", "missing")}
finish() { echo "stopped $1"; report; sizes; echo done; exit 0; }
ended && finish over
living
[ $alive = yes ] || finish $alive
me=$$ root=$P known=" $P:$S "
[ $has_proc = 1 ] || [ $G != - ] || finish perhaps
look() {
  left=
  if [ $has_proc = 0 ]; then kill -0 -$G 2>/dev/null && left=1; return; fi
  rows=
  for f in /proc/[0-9]*; do
    p=\${f#/proc/}
    [ $p = $me ] && continue
    identify $p || continue
    rows="$rows $p:$parent:$group:$start"
  done
  if [ $G != - ]; then
    for row in $rows; do row=\${row#*:}; row=\${row#*:}; [ \${row%%:*} = $G ] && left=1; done
    return
  fi
  grown=1
  while [ $grown = 1 ]; do
    grown=0
    for row in $rows; do
      p=\${row%%:*} row=\${row#*:}; q=\${row%%:*} s=\${row##*:}
      case $known in *" $p:$s "*) continue;; *" $q:"*) known="$known$p:$s "; grown=1;; esac
    done
  done
  for row in $rows; do case $known in *" \${row%%:*}:\${row##*:} "*) left="$left \${row%%:*}";; esac; done
}
send() {
  if [ $G != - ]; then kill -$1 -$G 2>/dev/null; else kill -$1 $left 2>/dev/null; fi
  last=$1
}
: >"$d/killed"
look
for name in INT TERM KILL; do
  [ -n "$left" ] && send $name
  n=0
  while [ -n "$left" ] && [ $n -lt 10 ]; do
    n=$((n+1))
    sleep 0.1 2>/dev/null || { sleep 1; n=10; }
    look
  done
done
if ! ended && ! living; then
  now=$(date +%s 2>/dev/null)
  echo "signal $last \${now:-0} ." 1<>"$d/status"
fi
[ -z "$left" ] || finish dispatched
finish confirmed`;
