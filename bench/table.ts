/** The table as markdown, its columns aligned so that a terminal shows it as well as a browser. */
import { type Row, ratioOf, verdictOf } from "./row.ts";

const head = ["measured", "ssh-mcp", "beside it", "its figure", "ratio", "budget", "verdict", "runs"];

export const renderTable = (rows: readonly Row[]): string => {
  const lines = rows.map((row) => cells(row).map(escapeCell));
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => Bun.stringWidth(line[column] ?? ""))),
  );
  const rule = widths.map((width) => "-".repeat(width));
  return [head, rule, ...lines].map((line) => renderLine(line, widths)).join("\n");
};

const cells = (row: Row): string[] => {
  const verdict = verdictOf(row);
  if ("failure" in row) return [row.what, `failed: ${row.failure}`, "", "", "", "", verdict, ""];
  const { what, ours, beside, other, budget, runs } = row;
  const ratio = ratioOf(row);
  return [
    what,
    ours.text,
    beside,
    other.text,
    Number.isFinite(ratio) ? ratio.toFixed(2) : "",
    budget?.text ?? "",
    verdict,
    runs,
  ];
};

/** A failure's reason may hold anything; a cell is one line and no column. */
const escapeCell = (text: string): string => text.replaceAll("|", "\\|").replace(/\s+/g, " ");

const renderLine = (line: readonly string[], widths: readonly number[]): string =>
  `| ${widths.map((width, column) => pad(line[column] ?? "", width)).join(" | ")} |`;

const pad = (text: string, width: number): string => text + " ".repeat(width - Bun.stringWidth(text));
