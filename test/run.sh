#!/usr/bin/env bash
# Everything that must be true before a change lands: format, lint, types, the build, and every test, suite by suite.
# usage: test/run.sh [SUITE ...]       a suite is a folder of test files, or a test file directly under test/
#
# As root it installs what the tests need from Debian; otherwise it says what is missing. Needs no terminal. The last
# line is `N passed, M failed, K skipped`, and the status is 0 only when all ran and none failed.
set -u -o pipefail

suite_limit=180
total_limit=2400
# Suites at once: most of them wait for servers, timers and signals half of their time.
lanes=2
# command, and the Debian package that brings it
needs=(
  sshd openssh-server
  ssh openssh-client
  ssh-keygen openssh-client
  ssh-agent openssh-client
  dropbear dropbear-bin
  dropbearkey dropbear-bin
  tmux tmux
  puttygen putty-tools
  openssl openssl
  dbus-run-session dbus
  gnome-keyring-daemon gnome-keyring
  secret-tool libsecret-tools
  sudo sudo
  zsh zsh
  fish fish
  tcsh tcsh
  mksh mksh
  ksh93 ksh93u+m
  busybox busybox
  patch patch
)

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
# Servers live in sbin, which a user's PATH and cron's may lack.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
passed=0 failed=0 skipped=0

main() {
  cd -- "$root" || exit 1
  bring_tools
  local bun
  bun=$(./install.sh --deps-only | tail -n 1) && [ -x "$bun" ] || give_up "install.sh --deps-only failed"
  PATH=$(dirname -- "$bun"):$PATH

  # Everything tests leave in their temporary directory goes with it, however they end. Other users pass through it.
  work=$(mktemp -d /tmp/ssh-mcp-test.XXXXXX) || give_up "no temporary directory"
  trap 'rm -rf -- "$work"' EXIT
  # What runs in the background hears no Ctrl-C of its own.
  trap 'kill $(jobs -p) 2>/dev/null; wait; exit 130' INT TERM HUP
  chmod 711 "$work"
  : >"$work/failures"
  : >"$work/counts"

  local suites=("$@")
  [ $# -gt 0 ] || mapfile -t suites < <(discover)
  [ ${#suites[@]} -gt 0 ] || give_up "there are no tests"
  if [ $# -eq 0 ]; then
    check "format and lint" "$bun" node_modules/.bin/biome ci --colors=off .
    check "types" "$bun" node_modules/.bin/tsc --noEmit
  fi
  check "build" "$bun" src/build.ts --outfile "$work/ssh-mcp"
  printf '%s\n' "${suites[@]}" >"$work/queue"
  for ((lane = 1; lane <= lanes; lane++)); do run_lane "$lane" & done
  wait
  local p f s
  while read -r p f s; do passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s)); done <"$work/counts"

  if [ -s "$work/failures" ]; then
    printf '\nfailed:\n'
    sed 's/^/  /' "$work/failures"
  fi
  printf '\n%d passed, %d failed, %d skipped\n' $passed $failed $skipped
  [ $failed -eq 0 ] && [ $skipped -eq 0 ] && [ $passed -gt 0 ]
}

# Every folder that holds test files itself, and every test file directly under test/.
discover() {
  find test -name '*.test.ts' | sed -e 's#^test/##' -e 's#\(.*\)/.*#\1#' | sort -u
}

# A step that passes or fails as a whole; its output is shown when it fails.
check() {
  local name=$1 began=$EPOCHREALTIME status
  shift
  "$@" >"$work/log" 2>&1 </dev/null
  status=$?
  if [ $status -eq 0 ]; then
    report ok "$name" "$began" ""
  else
    cat "$work/log"
    report FAILED "$name" "$began" "status $status"
    blame "$name"
  fi
}

# Runs suites from the queue until it is empty, in a folder of its own: what a suite leaves running is known by it.
run_lane() {
  lane=$work/$1
  mkdir -m 711 "$lane" && mkdir "$lane/home" && ln "$work/ssh-mcp" "$lane/ssh-mcp" || {
    blame "lane $1 (not run)"
    return
  }
  child=
  trap '[ -z "$child" ] || kill "$child" 2>/dev/null; exit 130' TERM
  local suite
  while suite=$(next_suite) && [ -n "$suite" ]; do run_suite "$suite"; done
}

next_suite() {
  exec 9>"$work/queue.lock"
  flock 9
  head -n 1 "$work/queue"
  sed -i 1d "$work/queue"
}

# Prints what came from several commands as one piece.
aloud() {
  exec 8>"$work/aloud"
  flock 8
  cat
}

run_suite() {
  local suite=$1 began=$EPOCHREALTIME limit status p f s
  limit=$((total_limit - SECONDS < suite_limit ? total_limit - SECONDS : suite_limit))
  if [ $limit -le 0 ]; then
    report FAILED "$suite" "$began" "no time left of $total_limit s"
    blame "$suite (not run)"
    return
  fi
  # A folder's own files: folders in it are suites of their own.
  local files=("./test/$suite")
  [ ! -d "test/$suite" ] || files=("./test/$suite"/*.test.ts)
  # A plain environment: no agent, no configuration and no colours of whoever runs this, nor the signals that a shell has its background ignore.
  env -i --default-signal=INT,QUIT PATH="$PATH" HOME="$lane/home" TMPDIR="$lane" LANG=C.UTF-8 CI=1 SSH_MCP_BINARY="$lane/ssh-mcp" \
    timeout --foreground --kill-after=10 "$limit" "$bun" test --timeout 30000 "${files[@]}" >"$lane/log" 2>&1 </dev/null &
  child=$!
  wait "$child"
  status=$?
  child=
  end_left_running "$suite"
  p=$(count pass) f=$(count fail) s=$(($(count skip) + $(count todo)))
  # A suite that was killed, or ended without its summary, has failed whatever it counted.
  if [ $status -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
  if [ "$f" -eq 0 ] && [ "$s" -eq 0 ] && [ "$p" -gt 0 ]; then
    echo "$p 0 0" >>"$work/counts"
    report ok "$suite" "$began" "$p passed"
    return
  fi
  local named
  mapfile -t named < <(sed -n 's/^(\(fail\|skip\|todo\)) \(.*\)/\1 \2/p' "$lane/log" | sort -u)
  case $status in 124 | 137) named=("over the limit of $limit s") ;; esac
  [ ${#named[@]} -gt 0 ] || named=("did not run to its end")
  printf '%s\n' "${named[@]/#/$suite: }" >>"$work/failures"
  # A suite without a single test has failed as well.
  [ $((p + f + s)) -gt 0 ] || f=1
  echo "$p $f $s" >>"$work/counts"
  {
    cat "$lane/log"
    report FAILED "$suite" "$began" "$p passed, $f failed, $s skipped"
  } | aloud
}

# A suite that leaves something running has failed, and it is named and ended by its id. A broker outlives the command that started it:
# each test ends its own.
end_left_running() {
  local left attempt line
  for attempt in {1..30}; do
    left=$(left_running)
    [ -n "$left" ] || return 0
    sleep 0.1
  done
  while read -r line; do
    blame "$1: left running: process $line"
    kill -KILL "${line%% *}" 2>/dev/null
  done <<<"$left"
}

# Process id and command line of everything that has its program, its HOME or its SSH_MCP_DIR in the lane's folder.
left_running() {
  local pid
  {
    grep -lzE "^(HOME|SSH_MCP_DIR)=${lane//./\\.}(/|\$)" /proc/[0-9]*/environ
    find /proc -mindepth 2 -maxdepth 2 -path '/proc/[0-9]*/exe' -lname "$lane/*"
  } 2>/dev/null | cut -d / -f 3 | sort -nu | while read -r pid; do
    printf '%s %s\n' "$pid" "$(tr '\0' ' ' <"/proc/$pid/cmdline")"
  done
}

# A figure of bun's summary, which ends its output; 0 when it is not there.
count() { tail -n 12 "$lane/log" | sed -n "s/^ *\([0-9]*\) $1\$/\1/p" | tail -n 1 | grep . || echo 0; }

blame() {
  echo "0 1 0" >>"$work/counts"
  echo "$1" >>"$work/failures"
}

report() {
  local elapsed=$((${EPOCHREALTIME/[.,]/} - ${3/[.,]/}))
  printf '%-6s %-24s %7.1f s  %s\n' "$1" "$2" "$((elapsed / 100000))e-1" "$4"
}

bring_tools() {
  local missing=() i
  for ((i = 0; i < ${#needs[@]}; i += 2)); do
    command -v "${needs[i]}" >/dev/null || missing+=("${needs[i + 1]}")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)
  local line="apt-get install ${missing[*]}"
  [ "$(id -u)" -eq 0 ] || give_up "the tests need what is not installed; as root: $line"
  command -v apt-get >/dev/null || give_up "the tests need: ${missing[*]}"
  echo "installing ${missing[*]}"
  # The package would start a server on port 22; invoke-rc.d asks this file first. An existing one decides itself.
  local policy=/usr/sbin/policy-rc.d
  if [ -e $policy ]; then policy=; else printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy; fi
  install_packages "${missing[@]}"
  local status=$?
  [ -z "$policy" ] || rm -f $policy
  [ $status -eq 0 ] || give_up "$line failed"
  # Nor at the next boot.
  case " ${missing[*]} " in
    *" openssh-server "*) ! command -v systemctl >/dev/null || systemctl --quiet disable ssh.service ssh.socket 2>/dev/null ;;
  esac
}

install_packages() {
  local get=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0)
  local install=("${get[@]}" install --no-install-recommends "$@")
  # Package lists may be absent or old, and are only fetched when that shows.
  "${install[@]}" </dev/null >/dev/null 2>&1 || { "${get[@]}" update </dev/null >/dev/null && "${install[@]}" </dev/null >/dev/null; }
}

give_up() {
  printf 'test/run.sh: %s\n\n0 passed, 1 failed, 0 skipped\n' "$1"
  exit 1
}

main "$@"
