/** What a call is told that other commands on its session keep waiting. */

import type { CallScope } from "../../core/call-scope.ts";
import { hintFor } from "../../core/hint.ts";

/**
 * @param name the session's
 * @param running commands that run on it now
 */
export const tellBusy = (
  name: string,
  running: number,
  { notice, caller }: Pick<CallScope, "notice" | "caller">,
): void => {
  const listing = hintFor(caller, { command: "ssh-mcp ls --running", tool: "ssh_sessions" });
  const run = running === 1 ? "1 command runs" : `${running} commands run`;
  notice(`${name} is busy: ${run} on it; this one waits for its turn (${listing} shows them)`);
};
