/** What became of a file that somebody else read or wrote in this process's place. */
export interface Moved {
  /** How many, from where it began; null when nobody says any more. */
  bytes: number | null;
  /** What the system said when it went no further; null when nothing is wrong. */
  code: string | null;
}

/**
 * Offers an open regular file to somebody who reads or writes it in this process's place.
 * @param file stays open until this has resolved
 * @returns when that is over; null when it is not taken
 */
export type HandOver = (file: number) => Promise<Moved | null>;

/** A file with less to read is sent sooner than it is handed over. */
export const leastHanded = 1024 * 1024;
