/** The picture of a key's fingerprint, the same as `ssh-keygen -lv` draws: sshkey.c fingerprint_randomart, "the drunken bishop". */
import { createHash } from "node:crypto";
import { keyBits } from "../public-key.ts";
import { shownType } from "./host-key-question.ts";

const [width, height] = [17, 9];
/** By how often the bishop was there; the last two are where it began, and where it ended. */
const symbols = " .o+=*BOX@%&#/^SE";
const [start, end] = [symbols.length - 2, symbols.length - 1];
const most = symbols.length - 3;

/** @param key in wire form @returns eleven lines, without a newline at the end */
export const randomart = (key: Uint8Array): string => {
  const field = Array.from({ length: height }, () => new Array<number>(width).fill(0));
  const visits = (x: number, y: number): number => field[y]?.[x] ?? 0;
  const put = (x: number, y: number, value: number): void => {
    const row = field[y];
    if (row !== undefined) row[x] = value;
  };
  const [startX, startY] = [(width - 1) / 2, (height - 1) / 2];
  let [x, y] = [startX, startY];
  for (const byte of createHash("sha256").update(key).digest()) {
    for (let pair = 0; pair < 8; pair += 2) {
      x = clamped(x + ((byte >> pair) & 1 ? 1 : -1), width);
      y = clamped(y + ((byte >> pair) & 2 ? 1 : -1), height);
      // Behind `^` nothing is counted any more.
      if (visits(x, y) < most) put(x, y, visits(x, y) + 1);
    }
  }
  put(startX, startY, start);
  put(x, y, end);
  const type = shownType(key);
  const sized = `[${type} ${keyBits(key)}]`;
  const title = sized.length > width ? `[${type}]` : sized;
  const rows = field.map((row) => `|${row.map((count) => symbols[count]).join("")}|`);
  return [border(title), ...rows, border("[SHA256]")].join("\n");
};

const clamped = (at: number, size: number): number => Math.min(Math.max(at, 0), size - 1);

const border = (title: string): string => {
  const left = Math.floor((width - title.length) / 2);
  return `+${"-".repeat(left)}${title}${"-".repeat(width - title.length - left)}+`;
};
