/** What a transfer did, in words: for `render`, and for what a person is told at its end. */
import { escapeLine } from "../core/escape.ts";
import { formatAmount, formatCount, formatTaken } from "../core/files/amount.ts";
import type { Report } from "./transfer-fields.ts";

/** Failures that a text lists. */
const mostListed = 20;

/** `12 files, 3.4 MB in 1.2 s, 3 unchanged`: one line, without what there was none of. */
export const summary = (report: Report): string => {
  const { files, directories, links, bytes, unchanged, resumedBytes, deleted, verification, durationMs } = report;
  const made = [
    `${formatCount(files, "file")}, ${formatAmount(bytes)} in ${formatTaken(durationMs)}`,
    ...(directories === 0 ? [] : [formatCount(directories, "directory")]),
    ...(links === 0 ? [] : [formatCount(links, "link")]),
    ...(unchanged === 0 ? [] : [`${unchanged} unchanged`]),
    ...(resumedBytes === 0 ? [] : [`${formatAmount(resumedBytes)} were there`]),
    ...(deleted === 0 ? [] : [`${deleted} deleted`]),
    ...(verification === null ? [] : [verified[verification]]),
  ];
  return made.join(", ");
};

const verified = {
  verified: "verified",
  mismatched: "NOT THE SAME on both sides",
  unavailable: "not verified: no SHA-256 over there",
} as const;

/** A line for each of the first failures, and one for how many more; none when nothing failed. */
export const failureLines = ({ failures, moreFailures }: Report): string[] => {
  const more = failures.length - mostListed + moreFailures;
  return [
    ...failures.slice(0, mostListed).map(failureLine),
    ...(failures.length <= mostListed && moreFailures === 0 ? [] : [`and ${Math.max(more, moreFailures)} more`]),
  ];
};

/** The message names the path where its writer did; a reader needs it in any case. */
const failureLine = ({ path, code, message, bytesDone }: Report["failures"][number]): string => {
  const said = escapeLine(message);
  const shown = escapeLine(path);
  const there = bytesDone === null || bytesDone === 0 ? "" : ` (${formatAmount(bytesDone)} are there)`;
  return `${said.includes(shown) ? said : `${shown}: ${said}`}${there} [${code}]`;
};

export const countOfFailures = ({ failures, moreFailures }: Pick<Report, "failures" | "moreFailures">): number =>
  failures.length + moreFailures;

/** What is wrong with a copy all of which is there; null when nothing is. */
export const doubt = (report: Report): string | null => {
  const { verification } = report;
  if (verification === "unavailable") return "the copy is not verified: a side has nothing to compute SHA-256 with";
  return verification === "mismatched" && countOfFailures(report) === 0 ? "the copy differs from its source" : null;
};

/** What a dry run would do, a change a line, escaped. */
export const changeLines = ({ changes }: Report): string[] => (changes ?? []).map(escapeLine);

/** What failed stands first: nobody shall take it for a success. */
export const reportText = (report: Report): string => {
  const failed = countOfFailures(report);
  const doubted = doubt(report);
  return [
    ...(failed === 0 ? [] : [`FAILED: ${failed} could not be copied`, ...failureLines(report)]),
    ...(doubted === null ? [] : [`FAILED: ${doubted}`]),
    ...(report.changes === null ? [summary(report)] : dryRunLines(report)),
  ].join("\n");
};

const dryRunLines = (report: Report): string[] => [
  ...changeLines(report),
  `dry run: nothing was changed; ${summary(report)}`,
];
