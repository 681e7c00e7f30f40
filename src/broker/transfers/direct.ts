import type { CallScope } from "../../core/call-scope.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { remotePath } from "../../core/files/remote-path.ts";
import type { TransferReport, TransferRequest } from "../../core/files/transfers.ts";
import { isIpv6 } from "../../core/ipv6.ts";
import { quoteWords } from "../../core/quote.ts";
import type { SessionInfo, Sessions } from "../../core/session.ts";
import type { CopyRun } from "./copy-run.ts";
import { Collected } from "./program-output.ts";

/** Older versions of scp have the second server's shell read its path: what no shell would change goes through both. */
const plainPath = /^[A-Za-z0-9_@%+=:,./~-]*$/;

/**
 * Has the first server copy to the second with its own scp(1), and the caller's agent forwarded for that one command. Whether the second is who it
 * should be is decided there, by that machine's own configuration and known_hosts, and nobody is asked.
 * @throws SshMcpError UNSUPPORTED without an agent, for what scp there cannot do, and where it has none; and as scp says
 */
export const copyDirectly = async (run: CopyRun, sessions: Sessions, scope: CallScope): Promise<TransferReport> => {
  const { request, tally } = run;
  refuseOthers(request, scope);
  const { sources, destination, dial } = request;
  const [first] = sources;
  if (first?.kind !== "remote" || destination.kind !== "remote") throw needsTwo();
  const paths = sources.map((source) => {
    if (source.kind !== "remote" || source.target !== first.target) throw needsTwo();
    return meantFromHome(remotePath(source.path));
  });
  const to = remotePath(destination.path);
  if (!plainPath.test(to)) throw unsupported(`${shown(to)} has characters that scp may change on its way`);
  const second = await sessions.use({ ...dial, destination: destination.target }, scope);
  const options = [...dial.options, "ForwardAgent=yes"];
  const session = await sessions.use({ ...dial, destination: first.target, options }, scope);
  const stderr = new Collected(64 * 1024);
  const result = await session.exec(
    {
      command: commandOf(request, paths, second.info, to),
      stdin: (async function* () {})(),
      stdout: { write: async () => {} },
      stderr,
      timeoutMs: null,
    },
    scope,
  );
  if (result.exitCode !== 0) throw failure(result.exitCode, result.reason, stderr.text(), session.info, second.info);
  tally.copied(paths.length);
  run.notice(`${session.info.name} copied to ${second.info.name} by itself: files and bytes were not counted`);
  return tally.report(false);
};

const commandOf = (
  { recursive, preserve, limit }: TransferRequest,
  paths: readonly string[],
  { user, host, port }: SessionInfo,
  to: string,
): string => {
  const where = `${user}@${isIpv6(host) ? `[${host}]` : host}:${to}`;
  return quoteWords([
    "scp",
    ...["-B", "-P", String(port)],
    ...(recursive ? ["-r"] : []),
    ...(preserve ? ["-p"] : []),
    // Kilobits a second.
    ...(limit === null ? [] : ["-l", String(Math.max(1, Math.round((limit * 8) / 1000)))]),
    "--",
    ...paths,
    where,
  ]);
};

/** A colon in a word would name a server, and a dash an option. */
const meantFromHome = (path: string): string => {
  if (/[*?[]/.test(path)) throw unsupported(`${shown(path)} is a pattern, and is not expanded there`);
  return path.startsWith("/") ? path : `./${path}`;
};

const refuseOthers = ({ sync, resume, verify, exclude, become }: TransferRequest, { caller }: CallScope): void => {
  if (caller.face !== "cli") throw unsupported("a person's agent is not forwarded for a model");
  if (caller.agentSocket === null) throw unsupported("there is no agent to forward (SSH_AUTH_SOCK)");
  if (sync !== null || resume || verify || exclude.length > 0 || become !== null) {
    throw unsupported("scp on a server copies plainly: no resume, checksum, exclude, sync or other user");
  }
};

const needsTwo = (): SshMcpError =>
  new SshMcpError(
    "INVALID_INPUT",
    "a direct copy goes from one server to another, and all its sources are on the first",
  );

const unsupported = (why: string): SshMcpError =>
  new SshMcpError("UNSUPPORTED", `this cannot be copied directly: ${why}`, {
    hint: "leave out --direct: the bytes pass through this machine then",
  });

const failure = (
  exitCode: number | null,
  reason: string | null,
  said: string,
  first: SessionInfo,
  second: SessionInfo,
): SshMcpError => {
  if (exitCode === null) {
    return new SshMcpError("OUTCOME_UNKNOWN", reason ?? `scp on ${first.name} was ended before it was done`);
  }
  if (exitCode === 127) return unsupported(`${first.name} has no scp`);
  const lines = said.trim().split("\n");
  // The last line is scp's own: that its connection was closed.
  const line = lines.find((one) => /verification failed|denied|no such|not a /i.test(one)) ?? lines.at(-1) ?? "";
  const message = `scp on ${first.name} to ${second.name} failed: ${line === "" ? `exit status ${exitCode}` : shown(line)}`;
  if (/host key verification failed/i.test(said)) {
    return new SshMcpError("HOST_KEY_UNKNOWN", message, {
      hint: `${first.name} does not know the host key of ${second.host}: add it to known_hosts there, or leave out --direct`,
    });
  }
  if (/permission denied \(|too many authentication failures/i.test(said)) {
    return new SshMcpError("AUTH_FAILED", message, {
      hint: "leave out --direct, or add a key to the agent: ssh-add -l",
    });
  }
  return new SshMcpError("REMOTE_IO", message);
};
