import { statSync } from "node:fs";

/** Hears of each file and folder that ssh_config leads to, there or not, before it is read. */
export interface Seen {
  note(path: string): void;
}

/** Whether files are still what they were: a look at what the system says of them, some microseconds each, and never into them. */
export class SeenFiles implements Seen {
  readonly #marks = new Map<string, string>();

  /** What is written while it is read makes it another one, too. */
  note(path: string): void {
    if (!this.#marks.has(path)) this.#marks.set(path, markOf(path));
  }

  get areSame(): boolean {
    for (const [path, mark] of this.#marks) if (markOf(path) !== mark) return false;
    return true;
  }
}

/** Whoever writes to a file, replaces it, or lets others write to it changes this; of a folder, whoever adds or takes an entry. */
const markOf = (path: string): string => {
  try {
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined ? "" : `${stats.dev} ${stats.ino} ${stats.size} ${stats.mtimeMs} ${stats.ctimeMs}`;
  } catch {
    return "";
  }
};
