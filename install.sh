#!/bin/sh
# Compiles ssh-mcp from this checkout and installs it. Needs nothing but Node's npm, and that only to fetch Bun.
set -eu

usage() {
  cat <<'END'
usage: ./install.sh [--prefix DIR] [--demo]

Compiles ssh-mcp from this checkout and installs it as ~/.local/bin/ssh-mcp.
Bun is fetched from the npm registry into the checkout when it is missing.

  --prefix DIR   install as DIR/bin/ssh-mcp
  --demo         run `ssh-mcp demo` afterwards: all of it in two seconds, on this machine alone
  --deps-only    only bring Bun and the dependencies; the last line is Bun's path
  --help         show this
END
}

main() {
  prefix=${HOME:+$HOME/.local}
  demo=no
  deps_only=no
  while [ $# -gt 0 ]; do
    case $1 in
      --prefix)
        [ $# -ge 2 ] || misuse "--prefix needs a directory"
        prefix=$2
        shift
        ;;
      --prefix=*) prefix=${1#--prefix=} ;;
      --demo) demo=yes ;;
      --deps-only) deps_only=yes ;;
      --help | -h)
        usage
        exit 0
        ;;
      *) misuse "unknown option: $1" ;;
    esac
    shift
  done
  [ -n "$prefix" ] || misuse "HOME is not set: give --prefix DIR"

  root=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
  # Both change what every Bun executable does, our own included.
  unset BUN_OPTIONS BUN_BE_BUN
  # npm and Bun bring their own lists of authorities; one that this machine was told to trust counts as well.
  authorities=/etc/ssl/certs/ca-certificates.crt
  if [ -z "${NODE_EXTRA_CA_CERTS:-}" ] && [ -r $authorities ]; then export NODE_EXTRA_CA_CERTS=$authorities; fi
  find_bun
  say "dependencies"
  (cd "$root" && "$bun" install --frozen-lockfile --no-progress --no-summary) >&2
  if [ $deps_only = yes ]; then
    printf '%s\n' "$bun"
    exit 0
  fi

  # Before compiling, so that a place that cannot be written to is known at once; from here on it is absolute.
  mkdir -p -- "$prefix/bin" || fail "$prefix/bin cannot be made; choose another place: ./install.sh --prefix DIR"
  bin=$(CDPATH='' cd -- "$prefix/bin" && pwd -P)
  [ -w "$bin" ] || fail "$bin cannot be written to; choose another place: ./install.sh --prefix DIR"
  [ ! -d "$bin/ssh-mcp" ] || fail "$bin/ssh-mcp is a directory"
  say "compiling"
  "$bun" "$root/src/build.ts" --outfile "$root/dist/ssh-mcp" >/dev/null
  "$root/dist/ssh-mcp" --version >/dev/null || fail "the new binary does not run; nothing was installed"
  install_binary
  say "installed $bin/ssh-mcp"
  explain_path
  # The one that was just installed, wherever PATH points.
  [ $demo = no ] || "$bin/ssh-mcp" demo
}

# Sets $bun: one of exactly the pinned version, from PATH or from .bun, else fetched into .bun.
find_bun() {
  version=$(sed -n 's/.*"packageManager": *"bun@\([0-9.]*\).*/\1/p' "$root/package.json")
  [ -n "$version" ] || fail "$root/package.json names no bun version"
  bun=$(command -v bun || :)
  ! is_wanted "$bun" || return 0
  ! find_fetched || return 0
  say "fetching Bun $version from the npm registry"
  for tool in node npm; do
    command -v $tool >/dev/null || fail "$tool is missing; as root: apt-get install nodejs npm"
  done
  # A package.json makes the folder npm's project. Its --prefix would do so too, but then npm also looks for the
  # machine's npmrc in there, and with it loses a mirror, a proxy or a certificate that the administrator has set.
  mkdir -p "$root/.bun"
  printf '{ "private": true }\n' >"$root/.bun/package.json"
  # Without install scripts the package's own launcher stays a stub: the binary is taken from where it was packed.
  (cd "$root/.bun" && npm install --no-save --ignore-scripts --no-audit --no-fund --no-update-notifier \
    --loglevel=error "bun@$version") >&2 || fail "npm could not fetch bun@$version"
  find_fetched || fail "no Bun $version for this machine: none in $root/.bun/node_modules/@oven runs"
}

# npm may have brought several builds (musl, without AVX2): the first that runs is the one.
find_fetched() {
  for bun in "$root"/.bun/node_modules/@oven/bun-*/bin/bun; do
    ! is_wanted "$bun" || return 0
  done
  return 1
}

is_wanted() {
  [ -n "$1" ] && [ -x "$1" ] && [ "$("$1" --version 2>/dev/null)" = "$version" ]
}

# By renaming: a binary that runs at this moment is neither written to nor missing.
install_binary() {
  new=$bin/.ssh-mcp.$$
  trap 'rm -f -- "$new"' EXIT
  cp -- "$root/dist/ssh-mcp" "$new"
  chmod 755 -- "$new"
  mv -f -- "$new" "$bin/ssh-mcp"
}

explain_path() {
  case :$PATH: in
    *":$bin:"*)
      found=$(command -v ssh-mcp || :)
      [ "$found" -ef "$bin/ssh-mcp" ] || say "but another one comes first on PATH: $found"
      ;;
    *)
      say "$bin is not on PATH; add it with:"
      printf '  export PATH="%s:$PATH"\n' "$bin" >&2
      ;;
  esac
}

say() { printf 'install: %s\n' "$1" >&2; }

fail() {
  say "$1"
  exit 1
}

misuse() {
  say "$1"
  usage >&2
  exit 2
}

main "$@"
