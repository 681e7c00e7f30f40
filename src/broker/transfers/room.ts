import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { formatAmount } from "../../core/files/amount.ts";
import type { CopyJob } from "./copy-run.ts";

/**
 * @param needed bytes that the destination has to hold beside what it holds now
 * @param free bytes, as it was before
 * @throws SshMcpError REMOTE_IO or LOCAL_IO when that cannot be
 */
export const refuseFull = ({ root, destination }: CopyJob, needed: number, free: number): void => {
  if (needed <= free) return;
  const where = destination.server === null ? "" : ` on ${destination.server}`;
  throw new SshMcpError(
    destination.server === null ? "LOCAL_IO" : "REMOTE_IO",
    `${shown(root)}${where} has ${formatAmount(free)} free, and at least ${formatAmount(needed)} are to be copied there`,
  );
};
