import { SshMcpError } from "../../core/errors.ts";

/** @param where what was being connected to */
export const canceled = (where: string): SshMcpError =>
  new SshMcpError("CANCELED", `connecting to ${where} was canceled; no command was sent`);
