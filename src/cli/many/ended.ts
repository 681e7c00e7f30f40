/** How a command ended on each of several hosts, and what that is for the exit status and for the person. Pure. */
import { type ErrorRecord, SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { exitStatus } from "../../core/exit-status.ts";
import type { EndedCommand } from "../outcome.ts";

export type HostEnd =
  | { kind: "result"; target: string; result: EndedCommand & Record<string, unknown> }
  | { kind: "error"; target: string; error: ErrorRecord }
  /** By us, after another one failed or a signal came. */
  | { kind: "stopped"; target: string; result: (EndedCommand & Record<string, unknown>) | null }
  | { kind: "unbegun"; target: string };

/** Exit statuses of a command on several hosts (README, "Exit statuses"). They are API. */
const severalStatus = { unreached: 4, timedOut: 3, nonZero: 5 } as const;

/** In words, as a header and the summary say it; null for the one that needs none. */
export const wordsOf = (end: HostEnd): string | null => {
  if (end.kind === "unbegun") return "not begun";
  if (end.kind === "stopped") return "stopped";
  if (end.kind === "error") return end.error.code;
  const { outcome, exitCode, signal } = end.result;
  switch (outcome) {
    case "exited":
      return exitCode === 0 ? null : `exit status ${exitCode}`;
    case "signaled":
      return `signal ${escapeLine(signal ?? "")}`;
    case "timedOut":
      return "TIMEOUT";
    case "canceled":
      return "CANCELED";
    default:
      return "OUTCOME_UNKNOWN";
  }
};

/** Whether it went wrong by itself. */
export const hasFailed = (end: HostEnd): boolean =>
  end.kind !== "unbegun" && end.kind !== "stopped" && wordsOf(end) !== null;

/** The first that applies: 4 for a host without a status, 3 for one that ran out of time, 5 for a status that is not 0. 2 when none took the input. */
export const statusOfMany = (ends: readonly HostEnd[]): number => {
  const isUsage = (end: HostEnd): boolean =>
    end.kind === "error" && ["USAGE", "INVALID_INPUT"].includes(end.error.code);
  if (ends.some(isUsage) && ends.every((end) => isUsage(end) || end.kind === "unbegun")) return exitStatus.usage;
  const statuses = ends.filter(hasFailed).map(statusOf);
  const { unreached, timedOut, nonZero } = severalStatus;
  return [unreached, timedOut, nonZero].find((status) => statuses.includes(status)) ?? exitStatus.ok;
};

const statusOf = (end: HostEnd): number => {
  const words = wordsOf(end);
  if (words === "TIMEOUT") return severalStatus.timedOut;
  const wasTold = end.kind === "result" && ["exited", "signaled"].includes(end.result.outcome);
  return wasTold ? severalStatus.nonZero : severalStatus.unreached;
};

/** Who failed, by what; nothing when nobody did. Whole lines. */
export const summaryOf = (ends: readonly HostEnd[]): string => {
  const reasons = new Map<string, string[]>();
  for (const end of ends) {
    const words = wordsOf(end);
    if (words !== null) reasons.set(words, [...(reasons.get(words) ?? []), escapeLine(end.target)]);
  }
  if (reasons.size === 0) return "";
  const count = ends.filter(hasFailed).length;
  const lines = [...reasons].map(([words, targets]) => `  ${words}: ${targets.join(" ")}`);
  return [`ssh-mcp: ${count} of ${ends.length} ${ends.length === 1 ? "host" : "hosts"} failed`, ...lines, ""].join(
    "\n",
  );
};

/** The record of `--json`. */
export const recordOf = (end: HostEnd): Record<string, unknown> => {
  const { target } = end;
  if (end.kind === "error") return { target, error: end.error };
  if (end.kind !== "unbegun" && end.result !== null) return { ...end.result, target };
  const what =
    end.kind === "unbegun"
      ? "not begun: another host had failed, or a signal came"
      : "stopped before the command was sent";
  return { target, error: new SshMcpError("CANCELED", what).toRecord() };
};
