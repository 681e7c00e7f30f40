/**
 * What stays on the server with a job: a shell that says who it is, runs the command, and writes down how it ended. It needs a POSIX sh
 * (IEEE Std 1003.1, Shell Command Language) and `cat` and `date`; the shell that starts it hands it over in its environment.
 *
 * Its arguments: the job's folder, the process that starts it, and how it was cut loose: `s` by setsid, `m` by job control, `p` not at all.
 * The first line that it writes is `ok`, or what went wrong; after that it holds nothing of the channel it was started on.
 */
import { identity } from "./process-identity.ts";

/**
 * The folder `go` is made by whoever decides: the supervisor that the command runs, or someone who looks that it never will. So a start
 * whose answer was lost has one outcome whenever it is looked for. A process group is noted only when nobody else's command can be in it: dash and
 * busybox ash without a terminal say that they have job control, and stay in their starter's, which on Dropbear is the whole connection's. Once the
 * job's variables are set, our own may be other than they were: only the positional ones are used. The status stands over bytes that were written before the command began:
 * a disk that is full by then still has room for it.
 */
export const supervisor = `
d=$1 starter=$2 how=$3 values=$SSH_MCP_JOB_ENV reads=$SSH_MCP_JOB_READS
unset SSH_MCP_JOB_RUN SSH_MCP_JOB_ENV SSH_MCP_JOB_READS
trap : INT TERM
case $how in s) trap : HUP;; *) trap '' HUP;; esac
${identity}
identify $$ || { start=- group=-; }
case $group in -) if kill -0 -$$; then group=$$; elif kill -0 -$starter; then group=$starter; fi 2>/dev/null;; esac
mine=$group began=$start
identify $starter || group=
case $mine in
  $$|$starter) ;;
  "$group") mine=-;;
  *) [ $how = m ] || mine=-;;
esac
echo "$$ $mine $began $boot $node ." >"$d/pid" || exit
c=$(cat "$d/command"; echo .) || exit
c=\${c%??}
: >"$d/stdout" && : >"$d/stderr" || exit
mkdir "$d/go" || exit
echo ok
exec >/dev/null 2>&1
(
  case $reads in
    file-*) set -- "$values" "\${reads#file-}" "$d/command";;
    *) set -- "$values" "$reads" -c "$c";;
  esac
  eval "$1"
  shift
  exec "$@"
) >"$d/stdout" 2>"$d/stderr"
r=$?
exec </dev/null
now=$(date +%s)
echo "exit $r \${now:-0} ." 1<>"$d/status"
`;
