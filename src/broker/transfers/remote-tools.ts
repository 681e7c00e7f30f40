import type { RemoteMachine } from "../../core/files/remote-files.ts";
import { parseTools, toolsProgram } from "../../core/files/remote-scripts.ts";
import { printed } from "./program-output.ts";

/** What a server has for transfers, and who we are there. */
export interface ServerTools {
  tar: "gnu" | "bsd" | "busybox" | "other" | null;
  /** What a new file does not get; the usual one where nobody says. */
  umask: number;
  /** Null where nobody says. */
  uid: number | null;
  gid: number | null;
}

const usualMask = 0o022;

export const askTools = async (machine: RemoteMachine): Promise<ServerTools> => {
  const script = `echo "ssh-mcp-own $(umask) $(id -u 2>/dev/null) $(id -g 2>/dev/null)"\n${toolsProgram()}`;
  const said = await printed(machine, script, 16 * 1024);
  if (said === null) return { tar: null, umask: usualMask, uid: null, gid: null };
  const [, umask, uid, gid] = /^ssh-mcp-own (0[0-7]*) ?(\d*) ?(\d*)$/m.exec(new TextDecoder().decode(said)) ?? [];
  return {
    tar: parseTools(said).tar,
    umask: umask === undefined ? usualMask : Number.parseInt(umask, 8) & 0o777,
    uid: idOf(uid),
    gid: idOf(gid),
  };
};

const idOf = (digits: string | undefined): number | null =>
  digits === undefined || digits === "" ? null : Number(digits);
