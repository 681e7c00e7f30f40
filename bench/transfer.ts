/** Folders on both ends of a transfer, and the programs that a user would pick instead of ours, over one ControlMaster. */
import { chmodSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "../test/support/command.ts";
import { tempDir } from "../test/support/temp.ts";
import type { Fixture, Master } from "./fixture.ts";
import { timeProcess } from "./process.ts";

export interface Ends {
  /** On this machine. */
  readonly here: string;
  /** The same disk, as the server's user sees it. */
  readonly there: string;
}

export const makeEnds = (): Ends => {
  const ends = { here: tempDir("here"), there: tempDir("there") };
  chmodSync(ends.there, 0o777);
  return ends;
};

/** A file of bytes that no compression makes shorter. */
export const makeLargeFile = async (path: string, mebibytes: number): Promise<void> => {
  await mustRun(["sh", "-c", `head -c ${mebibytes}M /dev/urandom >"$0"`, path]);
  chmodSync(path, 0o644);
};

/** A file of 4 KiB. */
export const makeSmallFile = async (path: string): Promise<void> => {
  await Bun.write(path, crypto.getRandomValues(new Uint8Array(4096)));
  chmodSync(path, 0o644);
};

/** So many files of 4 KiB, a hundred to a folder. */
export const makeTree = async (root: string, files: number): Promise<void> => {
  const content = crypto.getRandomValues(new Uint8Array(4096));
  for (let number = 0; number < files; number++) {
    const folder = join(root, `d${Math.floor(number / 100)}`);
    if (number % 100 === 0) mkdirSync(folder, { recursive: true });
    content[number % 4096] = number & 0xff;
    await Bun.write(join(folder, `f${number}`), content);
  }
  chmodSync(root, 0o755);
};

/** Everything that was written is on the disk, whoever wrote it: else the next one waits for it. */
export const settleDisk = async (): Promise<void> => {
  await mustRun(["sync"]);
};

/** Runs a command line of sh, with its words as $1, $2, …; what it is to make is removed before, outside of the time that is taken. */
export const timeLine = async (
  env: Readonly<Record<string, string>>,
  fresh: readonly string[],
  line: string,
  ...words: readonly string[]
): Promise<number> => {
  for (const path of fresh) rmSync(path, { recursive: true, force: true });
  return await timeProcess(["sh", "-c", line, "sh", ...words], env);
};

/** What scp, sftp, rsync and ssh are started with, each over the master's connection. */
export const overMaster = (
  { config }: Pick<Fixture, "config">,
  { socket }: Master,
): { options: string[]; ssh: string } => {
  const options = ["-F", config, "-o", `ControlPath=${socket}`];
  return { options, ssh: ["ssh", ...options].join(" ") };
};
