import { type Stats, statSync } from "node:fs";

/** Hears of each file and folder that ssh_config leads to, there or not, before it is read. */
export interface Seen {
  note(path: string): void;
}

/** Whether files are still what they were: a look at what the system says of them, some microseconds each, and never into them. */
export class SeenFiles implements Seen {
  readonly #marks = new Map<string, string>();

  /** Milliseconds since 1970 of the last change to any of them that the system tells of; 0 when nothing is there. */
  lastChangeMs = 0;

  /** What is written while it is read makes it another one, too. */
  note(path: string): void {
    if (this.#marks.has(path)) return;
    const stats = statsOf(path);
    this.lastChangeMs = Math.max(this.lastChangeMs, stats?.mtimeMs ?? 0, stats?.ctimeMs ?? 0);
    this.#marks.set(path, markOf(stats));
  }

  get paths(): Iterable<string> {
    return this.#marks.keys();
  }

  get areSame(): boolean {
    for (const [path, mark] of this.#marks) if (markOf(statsOf(path)) !== mark) return false;
    return true;
  }
}

/** Whoever writes to a file, replaces it, or lets others write to it changes this; of a folder, whoever adds or takes an entry. */
const markOf = (stats: Stats | undefined): string =>
  stats === undefined ? "" : `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;

const statsOf = (path: string): Stats | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
};
