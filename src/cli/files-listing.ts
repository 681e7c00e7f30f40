/** `ls TARGET:PATH` for people: names in columns on a terminal, one a line elsewhere, or a line of facts each. Names are the server's, and escaped. */
import { escapeLine } from "../core/escape.ts";
import type { FileType } from "../core/files/file-facts.ts";
import { modeText } from "../core/files/file-mode.ts";
import { type Column, table } from "./table.ts";

export interface ListedFile {
  path: string;
  type: FileType;
  size: number;
  /** Octal; null where not known. */
  mode: string | null;
  uid: number | null;
  gid: number | null;
  owner: string | null;
  group: string | null;
  mtime: string | null;
  linkTarget: string | null;
}

/** @param room columns of the terminal; null for one name a line */
export const fileNames = (files: readonly ListedFile[], room: number | null): string => {
  const names = files.map(({ path }) => escapeLine(path));
  return room === null ? names.map((name) => `${name}\n`).join("") : inColumns(names, room);
};

const gap = 2;
/** More are not laid out: widths are tried for every number of columns. */
const mostInColumns = 2000;

/** As ls(1): down the columns, in as many as fit. */
const inColumns = (names: readonly string[], room: number): string => {
  const widths = names.map((name) => Bun.stringWidth(name));
  const most = names.length > mostInColumns ? 1 : Math.min(names.length, Math.floor((room + gap) / (1 + gap)));
  for (let columns = most; columns > 1; columns--) {
    const rows = Math.ceil(names.length / columns);
    const wide = Array.from({ length: Math.ceil(names.length / rows) }, (_, column) =>
      Math.max(...widths.slice(column * rows, (column + 1) * rows)),
    );
    if (wide.reduce((sum, one) => sum + one + gap, -gap) > room) continue;
    const line = (row: number): string =>
      wide
        .map((width, column) => {
          const at = column * rows + row;
          const name = names[at] ?? "";
          return name + " ".repeat(Math.max(0, width - (widths[at] ?? 0)));
        })
        .join(" ".repeat(gap))
        .trimEnd();
    return Array.from({ length: rows }, (_, row) => `${line(row)}\n`).join("");
  }
  return names.map((name) => `${name}\n`).join("");
};

const columns: readonly Column[] = ["MODE", "OWNER", "GROUP", "SIZE", "MODIFIED", "NAME"].map((head) => ({
  head,
  cut: "never",
}));

/** Facts of each, with heads; times are UTC. */
export const filesTable = (files: readonly ListedFile[]): string =>
  files.length === 0 ? "" : table(columns, files.map(cells), null);

const cells = (file: ListedFile): string[] => [
  modeText(file.type, file.mode === null ? null : Number.parseInt(file.mode, 8)),
  escapeLine(file.owner ?? String(file.uid ?? "?")),
  escapeLine(file.group ?? String(file.gid ?? "?")),
  String(file.size),
  file.mtime?.replace(/\.\d+Z$/, "Z") ?? "?",
  escapeLine(file.path) + (file.linkTarget === null ? "" : ` -> ${escapeLine(file.linkTarget)}`),
];
