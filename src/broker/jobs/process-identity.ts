/**
 * Shell functions that tell one process from a later one with the same number, wherever they can.
 *
 * `identify PID` sets `start` (the time it began, as the system counts it) and `group` (its process group), each `-` where nobody tells, and
 * fails when there is no such process. `boot` is what this start of the machine is called, and `node` the machine.
 */
export const identity = `
boot=-
if [ -r /proc/sys/kernel/random/boot_id ]; then read -r boot </proc/sys/kernel/random/boot_id
else boot=$(sysctl -n kern.bootsessionuuid 2>/dev/null) || boot=-; fi
boot=\${boot:--}
node=$(uname -n 2>/dev/null) node=\${node:--}
has_proc=0
{ read -r x </proc/self/stat; } 2>/dev/null && has_proc=1
identify() {
  if [ $has_proc = 1 ]; then
    line=
    { while read -r x || [ -n "$x" ]; do line="$line $x"; done </proc/$1/stat; } 2>/dev/null || return 1
    line=\${line##*) }
    set -- $line
    [ $# -gt 19 ] || return 1
    case $1 in Z|X) return 1;; esac
    parent=$2 group=$3 start=\${20}
    return 0
  fi
  kill -0 $1 2>/dev/null || return 1
  start=$(ps -o lstart= -p $1 2>/dev/null | tr -d ' \\n') start=\${start:--}
  group=$(ps -o pgid= -p $1 2>/dev/null | tr -d ' \\n') group=\${group:--}
}
`;
