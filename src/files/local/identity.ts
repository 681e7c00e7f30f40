/** What tells a file from another, whatever its names: its device and number, as one text. */
import { statSync } from "node:fs";
import { atCalls } from "./at-calls.ts";
import type { Look } from "./look.ts";

const longestClimb = 4096;
const parent = Uint8Array.of(46, 46, 0);

export const identityOf = ({ device, inode }: Look): string => `${device}/${inode}`;

/** Of a held directory, and of everything above it: whatever links led to it, and whatever is swapped meanwhile. */
export const ancestors = (directory: number): string[] => {
  const calls = atCalls();
  const found: string[] = [];
  let at = directory;
  try {
    for (let step = 0; step < longestClimb; step++) {
      const here = identityOf(calls.lookAt(at));
      if (found.at(-1) === here) return found;
      found.push(here);
      const above = calls.openDirectory(at, parent);
      if (at !== directory) calls.close(at);
      at = above;
    }
    return found;
  } finally {
    if (at !== directory) calls.close(at);
  }
};

/** Of what a path leads to: none where nothing is there. */
export const identityOfPath = (path: string): string[] => {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    // makedev(3) of Linux; elsewhere `look.ts` has the number as it is.
    const major = ((dev >> 32n) & 0xfffff000n) | ((dev >> 8n) & 0xfffn);
    const minor = ((dev >> 12n) & 0xffffff00n) | (dev & 0xffn);
    return [
      `${process.platform === "linux" ? `${major}:${minor}` : `${dev & 0xffffffffn}`}/${Number(BigInt.asIntN(64, ino))}`,
    ];
  } catch {
    return [];
  }
};
