import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onCleanup } from "./cleanup.ts";

/** A fresh directory, 0700, removed by cleanup. Its real path is short: a socket in it stays under 103 bytes. */
export const tempDir = (prefix = "t"): string => {
  const path = mkdtempSync(join(realpathSync(tmpdir()), `${prefix}-`));
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  onCleanup(remove, remove);
  return path;
};
