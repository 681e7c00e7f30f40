/** How a session comes to its server's files: SFTP where there is any, of the login's user or of another one. */
import type { CommandResult } from "../../core/command.ts";
import type { Become } from "../../core/command-form.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { BecomePassword } from "../../ssh/commands/become-program.ts";
import type { Connection } from "../../ssh/connection.ts";
import { HelperLink, noServer, type RunsHelper } from "../../ssh/files/helper-link.ts";
import { SftpClient } from "../../ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../ssh/sftp/sftp-files.ts";
import { patiently } from "../../ssh/transport/within.ts";
import type { CallEnd } from "./call-end.ts";
import { type FilesLink, type FilesOwner, KeptFiles } from "./kept-files.ts";
import type { Attempt } from "./session-become.ts";

/** How long a server may take to say that it speaks SFTP; sudo and su take their time before. */
const answerLimitMs = 15_000;
const helperLimitMs = 60_000;
/** Beside the first, for a transfer whose window is the limit. */
const furtherLimit = 3;
/** How long a further one is worth waiting for. */
const furtherWaitMs = 5_000;

export interface Opening {
  connection: Connection;
  owner: FilesOwner;
  /** The session's, for messages. */
  name: string;
  end: CallEnd;
  /** See `KeptFilesOptions`. */
  now: () => number;
  /** Told when nothing may use what was opened any more. */
  onEnd: (kept: KeptFiles) => void;
}

/** What there is in place of SFTP: the server has none, or did not start it, as when it can start no process. */
export type NoSftp = "none" | "not started";

/**
 * The login's own.
 * @param openLink asks for it
 * @throws SshMcpError when nobody knows: CONNECTION_LOST, CHANNEL_REFUSED, CANCELED, TIMEOUT
 */
export const openSftp = async (opening: Opening, openLink: () => Promise<FilesLink>): Promise<KeptFiles | NoSftp> => {
  const link = await openLink();
  try {
    return kept(link, await spoken(SftpClient.open(link, opening.end.signal), opening.end, answerLimitMs), opening);
  } catch (error) {
    link.end();
    const none = noSftp(error, opening);
    if (none !== null) return none;
    throw opening.end.error ?? error;
  }
};

/**
 * Another user's, with a server that is started as that user.
 * @param run runs a command on the connection, as itself says
 * @param become finds the password that is wanted, see `becoming`
 * @throws SshMcpError as `become`, and as `openSftp`
 */
export const openSftpAs = async (
  user: Become,
  opening: Opening,
  run: (password: BecomePassword | null, ...run: Parameters<RunsHelper>) => ReturnType<RunsHelper>,
  become: (attempt: Attempt) => Promise<CommandResult>,
): Promise<KeptFiles | NoSftp> => {
  const { connection, end } = opening;
  let opened: KeptFiles | NoSftp = "not started";
  await become(async (password) => {
    const link = new HelperLink(
      (...helper) => run(password, ...helper),
      user,
      () => connection.isOpen,
    );
    try {
      const starting = SftpClient.open(link, end.signal);
      // The wait for a channel is none of the helper's.
      await Promise.race([link.begun, starting]);
      opened = kept(link, await spoken(starting, end, helperLimitMs), opening);
      return goesOn;
    } catch (error) {
      const isLate = !link.isEnded;
      link.end();
      if (end.error !== null) throw end.error;
      const none = noSftp(error, opening);
      if (isLate && none === null) throw error;
      // What was not run at all says why, and what was not found.
      const result = isLate ? goesOn : await link.finished;
      if (none === null) throw error;
      opened = result.exitCode === noServer ? "none" : none;
      return result;
    }
  });
  return opened;
};

/** Of a helper that has begun: how it will end is no matter of who asked for it. */
const goesOn: CommandResult = {
  ...{ outcome: "exited", exitCode: 0, signal: null, stopped: null, durationMs: 0 },
  ...{ stdoutBytes: 0, stderrBytes: 0, reason: null },
};

const kept = (link: FilesLink, first: SftpClient, opening: Opening): KeptFiles => {
  const { connection, owner, name, now, onEnd } = opening;
  const further: SftpClient[] = [];
  let [asked, turn] = [0, 0];
  /** One that is there, when there can be no more: several transfers share them. */
  const shared = (): SftpClient | null => {
    const open = further.filter(({ isEnded }) => !isEnded);
    further.splice(0, further.length, ...open);
    return open[turn++ % Math.max(open.length, 1)] ?? null;
  };
  const another = async (): Promise<SftpClient | null> => {
    if (owner.become !== null || !files.isOpen) return null;
    if (!connection.isRoomy || files.further + asked >= furtherLimit) return shared();
    asked += 1;
    const waiting = AbortSignal.timeout(furtherWaitMs);
    try {
      const link = await connection.openSftp(null, waiting);
      files.add(link);
      const client = await SftpClient.open(link, waiting);
      further.push(client);
      return client;
    } catch {
      return null;
    } finally {
      asked -= 1;
    }
  };
  const over = new SftpFiles({ first, another, where: name });
  const files: KeptFiles = new KeptFiles({
    ...{ first: link, files: over, connection, owner, now },
    onEnd: () => onEnd(files),
  });
  return files;
};

const spoken = (opening: Promise<SftpClient>, end: CallEnd, limitMs: number): Promise<SftpClient> =>
  patiently(opening, {
    limitMs,
    signal: end.signal,
    late: () => new SshMcpError("REMOTE_IO", "the server took the request for SFTP, and does not speak it"),
    canceled: () => end.error ?? new SshMcpError("CANCELED", "the call was canceled"),
  });

/** Null where it failed for another reason. */
const noSftp = (error: unknown, { connection, end }: Opening): NoSftp | null => {
  if (!(error instanceof SshMcpError) || !connection.isOpen || end.error !== null) return null;
  // Refused, or something else that answered.
  if (error.code === "UNSUPPORTED" || error.code === "PROTOCOL_ERROR") return "none";
  return error.code === "REMOTE_IO" ? "not started" : null;
};
