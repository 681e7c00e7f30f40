import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { onCleanup } from "./cleanup.ts";
import { mustRun } from "./command.ts";
import { tempDir } from "./temp.ts";

export interface SmallDisk {
  path: string;
  /** Nothing on it can be changed from now on. */
  makeReadOnly(): Promise<void>;
}

/**
 * A file system of its own with room for so many bytes, in pages of 4 KiB; unmounted by cleanup.
 * @throws Error when this process is not root
 */
export const makeSmallDisk = async (bytes: number): Promise<SmallDisk> => {
  const path = join(tempDir("disk"), "disk");
  mkdirSync(path);
  await mustRun(["mount", "-t", "tmpfs", "-o", `size=${bytes},mode=0700`, "ssh-mcp-test", path]);
  const unmount = () => Bun.spawnSync(["umount", "--lazy", path]);
  onCleanup(unmount, unmount);
  chmodSync(path, 0o700);
  return { path, makeReadOnly: async () => void (await mustRun(["mount", "-o", "remount,ro", path])) };
};
