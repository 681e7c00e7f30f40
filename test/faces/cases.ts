/** What both faces are asked: the same input, and the part of the answer that shows that it was the case it should be. */
import { expect } from "bun:test";
import { contentCases } from "./content-cases.ts";
import type { Places } from "./places.ts";

export interface FaceCase {
  name: string;
  operation:
    | "connect"
    | "exec"
    | "sessions"
    | "close"
    | "hosts"
    | "hosts-add"
    | "output"
    | "transfer"
    | "list-directory"
    | `${"read" | "write" | "edit"}-file`
    | `job-${"start" | "status" | "cancel"}`;
  input: (at: Places) => Record<string, unknown>;
  /** A part of the result, or of the error as `{error: {…}}`. */
  expected: Record<string, unknown>;
  /** The faces' words differ by design: a person reads of flags and `--help`, a model of fields and the schema. */
  ownWords?: true;
}

/** What is added by a person counts at once, and what an agent proposes does not: only refusals are alike. */
const hostCases: readonly FaceCase[] = [
  {
    name: "hosts that no file names",
    operation: "hosts",
    input: () => ({ filter: ["nobody-*"] }),
    expected: { hosts: [], resolved: null },
  },
  {
    name: "a group that there is not",
    operation: "hosts",
    input: () => ({ filter: ["@nowhere"] }),
    expected: { error: { code: "NOT_FOUND" } },
  },
  {
    name: "a host whose name an option parser would take for its own",
    operation: "hosts-add",
    input: () => ({ name: "a;b", host: "192.0.2.1" }),
    expected: { error: { code: "INVALID_INPUT" } },
  },
];

/** What a job is called is made up for each. */
const jobCases: readonly FaceCase[] = [
  {
    name: "a job on a server that opens no channel",
    operation: "job-start",
    input: ({ refusesChannels }) => ({ target: refusesChannels, command: "x" }),
    expected: { error: { code: "CHANNEL_REFUSED" } },
    ownWords: true,
  },
  {
    name: "a job that there is not",
    operation: "job-status",
    input: ({ sshd }) => ({ target: sshd, id: "j0123456789" }),
    expected: { error: { code: "NOT_FOUND" } },
    ownWords: true,
  },
  {
    name: "no job to end",
    operation: "job-cancel",
    input: ({ sshd }) => ({ target: sshd, id: "j0123456789" }),
    expected: { error: { code: "NOT_FOUND" } },
    ownWords: true,
  },
];

const error = (code: string) => ({ error: { code } });

/** A model's program opens no folder of this machine: what is copied is on servers. */
const transferCases: readonly FaceCase[] = [
  {
    name: "a source that is not there",
    operation: "transfer",
    input: ({ alias }) => ({ sources: [`${alias}:/nowhere`], destination: `${alias}:/tmp/nowhere` }),
    expected: error("NOT_FOUND"),
  },
  {
    name: "a directory that nobody said to copy",
    operation: "transfer",
    input: ({ alias }) => ({ sources: [`${alias}:/etc`], destination: `${alias}:/tmp/etc` }),
    expected: error("INVALID_INPUT"),
  },
  {
    name: "a server whose key nobody knows",
    operation: "transfer",
    input: ({ alias, unknown }) => ({ sources: [`ssh://${unknown}/x`], destination: `${alias}:x` }),
    expected: error("HOST_KEY_UNKNOWN"),
  },
  {
    name: "a list where one server is meant",
    operation: "transfer",
    input: ({ alias }) => ({ sources: [`${alias},other:x`], destination: `${alias}:x` }),
    expected: error("USAGE"),
    ownWords: true,
  },
  {
    name: "a source that is none",
    operation: "transfer",
    input: ({ alias }) => ({ sources: [":x"], destination: `${alias}:x` }),
    expected: error("INVALID_INPUT"),
    ownWords: true,
  },
];

export const cases: readonly FaceCase[] = [
  ...hostCases,
  ...jobCases,
  ...transferCases,
  ...contentCases,
  {
    name: "both streams and a status",
    operation: "exec",
    input: ({ sshd }) => ({ target: sshd, command: "echo out; echo err >&2; exit 3" }),
    expected: { stdout: "out\n", stderr: "err\n", exitCode: 3, outcome: "exited", truncated: false, stopped: null },
  },
  {
    name: "an alias of ssh_config",
    operation: "exec",
    input: ({ alias }) => ({ target: alias, command: "id -un" }),
    expected: { target: "box", exitCode: 0 },
  },
  {
    name: "a command line that a shell would take apart",
    operation: "exec",
    input: ({ sshd }) => ({ target: sshd, command: `printf '%s|' "a  b" 'ü\n' --json -- "$((1 + 1))" \\\\` }),
    expected: { stdout: "a  b|ü\n|--json|--|2|\\|", exitCode: 0 },
  },
  {
    name: "a command that reads its input, which is empty",
    operation: "exec",
    input: ({ sshd }) => ({ target: sshd, command: "cat; echo end" }),
    expected: { stdout: "end\n" },
  },
  {
    name: "output that is no text",
    operation: "exec",
    input: ({ sshd }) => ({ target: sshd, command: "printf '\\000\\377\\033[2J'" }),
    expected: { stdout: "[binary: 6 bytes]", binary: ["stdout"], stdoutBytes: 6, truncated: true },
  },
  {
    name: "16 KiB a stream, all that a model is shown",
    operation: "exec",
    input: ({ sshd }) => ({ target: sshd, command: "head -c 16384 /dev/zero | tr '\\0' x; echo >&2" }),
    expected: { stdout: "x".repeat(16384), stdoutBytes: 16384, truncated: false },
  },
  {
    name: "a command that a signal ends",
    operation: "exec",
    input: ({ sshd }) => ({ target: sshd, command: "kill -TERM $$" }),
    expected: { outcome: "signaled", signal: "TERM", exitCode: null },
  },
  {
    name: "a command that runs out of time",
    operation: "exec",
    input: ({ sshd }) => ({ target: sshd, command: "echo before; exec sleep 600", timeout: 0.5 }),
    expected: { outcome: "timedOut", stdout: "before\n", exitCode: null, stopped: "confirmed" },
  },
  {
    name: "a status beyond a byte",
    operation: "exec",
    input: ({ asTold }) => ({ target: asTold, command: "4294967295" }),
    expected: { exitCode: 4294967295, outcome: "exited" },
  },
  {
    name: "a signal without a number",
    operation: "exec",
    input: ({ asTold }) => ({ target: asTold, command: "USR1" }),
    expected: { signal: "USR1", outcome: "signaled" },
  },
  {
    name: "a channel that closes without a status",
    operation: "exec",
    input: ({ noStatus }) => ({ target: noStatus, command: "x" }),
    expected: { outcome: "unknown", stdout: "some output\n", exitCode: null },
  },
  {
    name: "a connection that dies in the middle",
    operation: "exec",
    input: ({ dies }) => ({ target: dies, command: "x" }),
    expected: { outcome: "unknown", stdout: "some output\n", exitCode: null },
  },
  {
    name: "a server that refuses the command",
    operation: "exec",
    input: ({ refusesCommands }) => ({ target: refusesCommands, command: "x" }),
    expected: { outcome: "unknown", reason: "the server refused the exec request" },
  },
  {
    name: "output for terminals, as it came",
    operation: "exec",
    input: ({ talks }) => ({ target: talks, command: "x" }),
    expected: { stdout: "[binary: 14 bytes]", stderr: "[binary: 4 bytes]", binary: ["stdout", "stderr"] },
  },
  {
    name: "a server that opens no channel",
    operation: "exec",
    input: ({ refusesChannels }) => ({ target: refusesChannels, command: "x" }),
    expected: error("CHANNEL_REFUSED"),
  },
  {
    name: "a destination with a control character",
    operation: "exec",
    input: () => ({ target: "ho\x01st", command: "x" }),
    expected: error("INVALID_INPUT"),
  },
  {
    name: "a destination like an option",
    operation: "exec",
    input: () => ({ target: "user@-oProxyCommand=x", command: "x" }),
    expected: error("INVALID_INPUT"),
  },
  {
    name: "a time limit of nothing",
    operation: "exec",
    input: ({ sshd }) => ({ target: sshd, command: "x", timeout: 0 }),
    expected: error("INVALID_INPUT"),
    ownWords: true,
  },
  {
    name: "a password in the destination",
    operation: "connect",
    input: () => ({ destination: "ssh://me:secret@127.0.0.1" }),
    expected: error("INVALID_INPUT"),
  },
  {
    name: "a session with everything said",
    operation: "connect",
    input: ({ sshd }) => ({ destination: sshd, name: "web", title: "the \u202eweb", ttl: 60, timeout: 20 }),
    expected: {
      name: "web",
      title: "the \u202eweb",
      state: "live",
      reused: false,
      authMethod: "publickey",
      banner: null,
    },
  },
  {
    name: "a session with nothing said",
    operation: "connect",
    input: ({ alias }) => ({ destination: alias }),
    expected: { name: "box", destination: "box", host: "127.0.0.1", title: null, reused: false },
  },
  {
    name: "a session that never expires, by user, port and key",
    operation: "connect",
    input: ({ sshd }) => ({ ...apart(sshd), identityFile: ["~/.ssh/id_ed25519"], ttl: 0 }),
    expected: { name: "127.0.0.1-2", destination: "127.0.0.1", expiresAt: null },
  },
  {
    name: "a banner for terminals, as it came",
    operation: "connect",
    input: ({ talks }) => ({ destination: talks }),
    expected: { authMethod: "none", banner: expect.stringContaining("\x1b[2Jbanner\r\n\u202eevil") },
  },
  {
    name: "a name that is none",
    operation: "connect",
    input: ({ sshd }) => ({ destination: sshd, name: "Not A Name" }),
    expected: error("INVALID_INPUT"),
    ownWords: true,
  },
  {
    name: "nobody there",
    operation: "connect",
    input: ({ closed }) => ({ destination: closed }),
    expected: error("CONNECT_REFUSED"),
  },
  {
    name: "a host that says nothing",
    operation: "connect",
    input: ({ silent }) => ({ destination: silent, timeout: 0.3 }),
    expected: error("CONNECT_TIMEOUT"),
  },
  {
    name: "a host that speaks HTTP",
    operation: "connect",
    input: ({ http }) => ({ destination: http }),
    expected: error("PROTOCOL_ERROR"),
  },
  {
    name: "a host key that nobody knows",
    operation: "connect",
    input: ({ unknown }) => ({ destination: unknown }),
    expected: error("HOST_KEY_UNKNOWN"),
  },
  {
    name: "a host key that has changed",
    operation: "connect",
    input: ({ changed }) => ({ destination: changed }),
    expected: error("HOST_KEY_CHANGED"),
  },
  {
    name: "a login that takes a password",
    operation: "connect",
    input: ({ password }) => ({ destination: password }),
    expected: error("AUTH_REQUIRED"),
  },
  {
    name: "a key that is not let in",
    operation: "connect",
    input: ({ denied }) => ({ destination: denied }),
    expected: error("AUTH_FAILED"),
  },
  {
    name: "a key file that is not there",
    operation: "connect",
    input: ({ sshd }) => ({ destination: sshd, identityFile: ["~/.ssh/no such key"] }),
    expected: error("KEY_INVALID"),
  },
  {
    name: "a host behind another",
    operation: "connect",
    input: ({ behind }) => ({ destination: behind }),
    expected: { name: "behind", destination: "behind", host: "127.0.0.1", reused: false },
  },
  {
    name: "a host that ssh_config trusts in a way we cannot",
    operation: "connect",
    input: ({ unsupported }) => ({ destination: unsupported }),
    expected: error("UNSUPPORTED"),
  },
  {
    name: "no sessions",
    operation: "sessions",
    input: () => ({}),
    // The logins above that took a person.
    expected: { sessions: [], calls: null, pending: expect.any(Array) },
  },
  {
    name: "nothing that runs",
    operation: "sessions",
    input: () => ({ running: true }),
    expected: { sessions: [], calls: [] },
  },
  {
    name: "an output that is not kept",
    operation: "output",
    input: () => ({ id: "o0000000000" }),
    expected: error("NOT_FOUND"),
    ownWords: true,
  },
  {
    name: "an output from two places at once",
    operation: "output",
    input: () => ({ id: "o0000000000", line: 1, tail: 1 }),
    expected: error("INVALID_INPUT"),
    ownWords: true,
  },
  {
    name: "names that are not open",
    operation: "close",
    input: () => ({ targets: ["web", "no such name"] }),
    expected: { closed: [] },
  },
  { name: "all of none", operation: "close", input: () => ({ all: true }), expected: { closed: [] } },
  {
    name: "neither names nor all",
    operation: "close",
    input: () => ({}),
    expected: error("INVALID_INPUT"),
    ownWords: true,
  },
  {
    name: "names and all",
    operation: "close",
    input: () => ({ targets: ["web"], all: true }),
    expected: error("INVALID_INPUT"),
    ownWords: true,
  },
];

/** `user@host:port` as fields of their own. */
const apart = (destination: string): Record<string, unknown> => {
  const [, user, host, port] = /^(.*)@(.*):(\d+)$/.exec(destination) ?? [];
  return { destination: host, user, port: Number(port) };
};
