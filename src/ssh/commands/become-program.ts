/** What the bootstrap is told to become another user with before it is told the command: programs of POSIX sh, for sudo(8) and su(1). */
import { type Become, isUserName } from "../../core/command-form.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { bootstrapProgram, lineOf, literal } from "./bootstrap.ts";
import { tagVariable } from "./command-tag.ts";

/** Said with the mark on the way to the command: that it may follow, or why it will not. */
export type BecomeFinding = "ok" | "need" | "asks" | "missing" | "refused";

/** A password and whose it is; it is given to a question for that user's alone. */
export interface BecomePassword {
  of: string;
  password: string;
  /** Told that it was given, and that the other user's shell is there, whether it was asked for or not. */
  told?: (event: "given" | "begun") => void;
}

interface Entry {
  become: Become;
  /** Begins each finding. */
  mark: string;
  /** Value of `tagVariable` for all that runs as the other user: sudoers may keep the one of the login from it. */
  tag: string;
  /** Whether there is a password to give: without one nothing asks for it. */
  hasPassword: boolean;
  /** Whether the program that follows is told the process that serves the connection, as $1. */
  tellsServer: boolean;
}

/**
 * The line that the bootstrap reads as the login's user. It ends in a shell of the other user that does what the bootstrap does: the command's own
 * program follows once that has said `ok`, and not before.
 * @throws SshMcpError INVALID_INPUT for what is no user's name
 */
export const becomeLine = (entry: Entry): string => {
  const { user, by } = entry.become;
  if (!isUserName(user)) {
    throw new SshMcpError("INVALID_INPUT", `${shown(user)} is no name of a user; nothing was sent`);
  }
  return lineOf(by === "sudo" ? sudo(entry) : su(entry));
};

// A terminal may echo the program: nothing in it reads like what is said with the mark.

/** What sudo asks with, in place of `Password:`; the user whose password it wants comes behind it. */
export const promptOf = (mark: string): string => `${mark} password of `;

const inner = ({ tellsServer }: Entry, afterwards: string): string => {
  const server = tellsServer ? ' sh "$2"' : "";
  return `${tagVariable}=$1;export ${tagVariable};${afterwards}echo "$0 ok";exec /bin/sh -c "$3"${server}`;
};

/**
 * The tag has to be in the environment that a process begins with: so one shell starts another. $0 is the mark, $1 the tag, $2 the process that
 * serves the connection, $3 the bootstrap's program.
 */
const words = (entry: Entry, afterwards = ""): string =>
  `/bin/sh -c ${literal(inner(entry, afterwards))} ${entry.mark} ${entry.tag} $PPID ${literal(bootstrapProgram)}`;

/**
 * Finds a program where only the superuser puts one, before PATH, which a profile of the login's may have turned to something that asks for the
 * password in its name. NixOS has the one that may become another user in a place of its own.
 */
const find = (program: Become["by"], mark: string): string =>
  [
    "ssh_mcp_p=",
    `for ssh_mcp_d in /run/wrappers/bin /usr/bin /bin /usr/sbin /sbin /usr/local/bin /usr/local/sbin`,
    `do [ -f $ssh_mcp_d/${program} ]&&[ -x $ssh_mcp_d/${program} ]&&{ ssh_mcp_p=$ssh_mcp_d/${program};break;};done`,
    `[ -n "$ssh_mcp_p" ]||ssh_mcp_p=$(command -v ${program} 2>/dev/null)||{ echo ${mark}' missing';exit 1;}`,
  ].join(";");

/**
 * Whether sudo asks nobody is tried with a command that does nothing: its messages are read in English then, and what it says of the real one is the
 * real one's. With a password, no later command of the user profits from it (-k).
 */
const sudo = (entry: Entry): string => {
  const { mark, become, hasPassword } = entry;
  const user = literal(become.user);
  const asking = hasPassword
    ? `echo ${mark}' asks';exec "$ssh_mcp_p" -k -S -H -p ${mark}' password of %p:' -u ${user} -- ${words(entry)}`
    : `echo ${mark}' need';exit 1`;
  return [
    find("sudo", mark),
    `if ssh_mcp_e=$(LC_ALL=C LANGUAGE=C "$ssh_mcp_p" -n -H -u ${user} -- /bin/sh -c 'exit 0' </dev/null 2>&1 >/dev/null)`,
    `then unset ssh_mcp_e;exec "$ssh_mcp_p" -n -H -u ${user} -- ${words(entry)};fi`,
    `case $ssh_mcp_e in *assword*required*|*uthentication*required*)${asking};;esac`,
    `printf '%s\\n' "$ssh_mcp_e";echo ${mark}' refused';exit 1`,
  ].join(";");
};

/** su(1) leaves PATH as it is in many systems, and the superuser's programs are not in that of others. */
const superuserPath =
  "case $(id -u):$PATH in 0:*/usr/sbin*);;0:*)PATH=/usr/local/sbin:/usr/sbin:/sbin:$PATH;export PATH;;esac;";

/** Whatever the other user's login shell is, it understands `exec` and single quotes. Its prompt is its own: what comes behind `asks` is su's. */
const su = (entry: Entry): string => {
  const { mark, become } = entry;
  return [
    find("su", mark),
    `echo ${mark}' asks';echo ${mark}' asks' >&2`,
    `exec "$ssh_mcp_p" ${literal(become.user)} -c "exec ${quotedWithin(words(entry, superuserPath))}"`,
  ].join(";");
};

/** Within double quotes, but for $PPID, which is the login's to say. */
const quotedWithin = (text: string): string => text.replaceAll(/[\\"`$]/g, "\\$&").replace("\\$PPID", "$PPID");
