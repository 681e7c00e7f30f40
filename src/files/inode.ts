import { lstatSync } from "node:fs";

/** What tells a file from another one under the same path: its device and number. Null where nothing can be found. */
export const inodeOf = (path: string): string | null => {
  try {
    const { dev, ino } = lstatSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return null;
  }
};
