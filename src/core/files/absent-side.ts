import { SshMcpError } from "../errors.ts";
import type { TransferSide } from "./transfer-side.ts";

const absent = (): never => {
  throw new SshMcpError("UNSUPPORTED", "this caller has no local files for a transfer");
};

/** Of a caller that brings no files along. */
export const absentSide: TransferSide = {
  server: null,
  look: absent,
  walk: absent,
  glob: absent,
  read: absent,
  write: absent,
  part: absent,
  hash: absent,
  readMany: absent,
  writeMany: absent,
  makeDirectory: absent,
  symlink: absent,
  change: absent,
  remove: absent,
  free: absent,
};
