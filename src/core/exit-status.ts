import type { CommandOutcome } from "./command.ts";
import type { ErrorCode } from "./errors.ts";

/** Exit statuses of the binary (README, "Exit statuses"). They are API. */
export const exitStatus = {
  ok: 0,
  failed: 1,
  usage: 2,
  person: 4,
  timedOut: 124,
  /** By Ctrl-C. What somebody else canceled is an error as others are. */
  canceled: 130,
  /** Nobody reads standard output: what a shell reports of a program that died of SIGPIPE. */
  brokenPipe: 141,
  /** `exec` and `shell`: every error of our own, as ssh(1) does. */
  ours: 255,
} as const;

const personCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "AUTH_REQUIRED",
  "HOST_KEY_UNKNOWN",
  "APPROVAL_REQUIRED",
]);
const usageCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["USAGE", "INVALID_INPUT"]);

/**
 * The exit status for an error that produced no result.
 * @param remoteStatus true for commands whose status is the remote command's (`exec`, `shell` on one target)
 */
export const exitStatusOfError = (code: ErrorCode, remoteStatus: boolean): number => {
  if (usageCodes.has(code)) return exitStatus.usage;
  if (remoteStatus) return code === "TIMEOUT" ? exitStatus.timedOut : exitStatus.ours;
  return personCodes.has(code) ? exitStatus.person : exitStatus.failed;
};

/**
 * POSIX numbers of the signals RFC 4254, section 6.10 names; they agree on Linux, macOS and the BSDs but for USR1 and
 * USR2.
 */
const signalNumbers = {
  HUP: 1,
  INT: 2,
  QUIT: 3,
  ILL: 4,
  ABRT: 6,
  FPE: 8,
  KILL: 9,
  USR1: 10,
  SEGV: 11,
  USR2: 12,
  PIPE: 13,
  ALRM: 14,
  TERM: 15,
} as const;

/** A signal without the SIG prefix. */
export type SignalName = keyof typeof signalNumbers;

/** The exit status of a program that died of the signal, as shells report it: 128 and the signal's number. */
export const exitStatusOfSignal = (name: SignalName): number => 128 + signalNumbers[name];

const isSignalName = (name: string): name is SignalName => Object.hasOwn(signalNumbers, name);

/** What a finished remote command reports, as far as the exit status is concerned. */
export interface ExitFacts {
  outcome: CommandOutcome;
  exitCode: number | null;
  /** Signal name without the SIG prefix, as on the wire (RFC 4254, section 6.10), or null. */
  signal: string | null;
}

/** The exit status of `exec` on one target: the remote status, 128+n for a signal, 124, or 255. */
export const exitStatusOfCommand = (facts: ExitFacts): number => {
  switch (facts.outcome) {
    case "exited":
      // A status over 254 cannot be told from our own 255 in one byte; 256 must never wrap to 0.
      return facts.exitCode === null || facts.exitCode < 0 || facts.exitCode > 254 ? exitStatus.ours : facts.exitCode;
    case "signaled": {
      const name = facts.signal ?? "";
      return isSignalName(name) ? exitStatusOfSignal(name) : exitStatus.ours;
    }
    case "timedOut":
      return exitStatus.timedOut;
    // Not by a signal to this process, which would have its own status: by a session that was closed, or a broker that was stopped.
    case "canceled":
    case "unknown":
      return exitStatus.ours;
  }
};
