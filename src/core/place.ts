import type { Caller } from "./operation.ts";

/** What a process says of where it stands: `process` itself is one. */
export interface Standing {
  /** Throws when the directory is gone. */
  cwd(): string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The part of a caller that its process decides. An empty SSH_AUTH_SOCK is none, as for ssh. */
export const placeOf = (process: Standing): Pick<Caller, "cwd" | "agentSocket"> => ({
  cwd: directoryOf(process),
  agentSocket: process.env["SSH_AUTH_SOCK"] || null,
});

const directoryOf = (process: Standing): string => {
  try {
    return process.cwd();
  } catch {
    // It was removed while somebody stood in it.
    return "/";
  }
};
