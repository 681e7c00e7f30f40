/** How a session comes to its server's files: SFTP where there is any, of the login's user or of another one. */
import type { CommandRequest, CommandResult } from "../../core/command.ts";
import type { Become } from "../../core/command-form.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { BecomePassword } from "../../ssh/commands/become-program.ts";
import type { Connection } from "../../ssh/connection.ts";
import { HelperLink } from "../../ssh/files/helper-link.ts";
import { SftpClient } from "../../ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../ssh/sftp/sftp-files.ts";
import type { SftpLink } from "../../ssh/sftp/sftp-link.ts";
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
  /** Told when nothing may use what was opened any more. */
  onEnd: (kept: KeptFiles) => void;
}

/**
 * The login's own.
 * @param openLink asks for it
 * @returns null when the server has no SFTP
 * @throws SshMcpError when nobody knows: CONNECTION_LOST, CHANNEL_REFUSED, CANCELED, TIMEOUT
 */
export const openSftp = async (opening: Opening, openLink: () => Promise<FilesLink>): Promise<KeptFiles | null> => {
  const link = await openLink();
  try {
    return kept(link, await spoken(link, opening.end, answerLimitMs), opening);
  } catch (error) {
    link.end();
    if (isNoSftp(error, opening)) return null;
    throw opening.end.error ?? error;
  }
};

/**
 * Another user's, with a server that is started as that user.
 * @param run runs a command on the connection, as itself says
 * @param become finds the password that is wanted, see `becoming`
 * @returns null when there is none that can be started
 * @throws SshMcpError as `become`, and as `openSftp`
 */
export const openSftpAs = async (
  user: Become,
  opening: Opening,
  run: (request: CommandRequest, signal: AbortSignal, password: BecomePassword | null) => Promise<CommandResult>,
  become: (attempt: Attempt) => Promise<CommandResult>,
): Promise<KeptFiles | null> => {
  const { connection, end } = opening;
  let opened: KeptFiles | null = null;
  await become(async (password) => {
    const link = new HelperLink(
      (request, signal) => run(request, signal, password),
      user,
      () => connection.isOpen,
    );
    try {
      opened = kept(link, await spoken(link, end, helperLimitMs), opening);
      return goesOn;
    } catch (error) {
      link.end();
      if (end.error !== null) throw end.error;
      // What was not run at all says why.
      const result = await link.finished;
      if (isNoSftp(error, opening)) return result;
      throw error;
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
  const { connection, owner, name, onEnd } = opening;
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
  const files: KeptFiles = new KeptFiles(link, over, connection, owner, () => onEnd(files));
  return files;
};

const spoken = (link: SftpLink, end: CallEnd, limitMs: number): Promise<SftpClient> =>
  patiently(SftpClient.open(link, end.signal), {
    limitMs,
    signal: end.signal,
    late: () => new SshMcpError("PROTOCOL_ERROR", "the server took the request for SFTP, and does not speak it"),
    canceled: () => end.error ?? new SshMcpError("CANCELED", "the call was canceled"),
  });

/** Whatever else it was that answered, and however it ended. */
const isNoSftp = (error: unknown, { connection, end }: Opening): boolean =>
  error instanceof SshMcpError &&
  ["UNSUPPORTED", "PROTOCOL_ERROR", "REMOTE_IO"].includes(error.code) &&
  connection.isOpen &&
  end.error === null;
