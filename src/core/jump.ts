/** `-J` of ssh(1): the hosts to go through, as the ssh_config option that it stands for. */
import { parseDestination } from "./destination.ts";
import { SshMcpError } from "./errors.ts";
import { shown } from "./escape.ts";

const prefix = "ProxyJump=";

/**
 * @param hops `[user@]host[:port]` or `ssh://…`, with commas between them, or `none`
 * @throws SshMcpError INVALID_INPUT for one that is no destination
 */
export const jumpOption = (hops: string): string => {
  if (hops.toLowerCase() !== "none") for (const hop of hops.split(",")) validateHop(hop);
  return `${prefix}${hops}`;
};

/** The hops of an option that `jumpOption` made; null for every other option. */
export const jumpOf = (option: string): string | null =>
  option.startsWith(prefix) ? option.slice(prefix.length) : null;

/** @throws SshMcpError INVALID_INPUT naming it, for what is no destination */
export const validateHop = (hop: string): void => {
  try {
    parseDestination(hop);
  } catch (error) {
    if (!(error instanceof SshMcpError)) throw error;
    throw new SshMcpError("INVALID_INPUT", `the jump host ${shown(hop)} cannot be used: ${error.message}`, {
      hint: "ssh-mcp connect -J USER@HOST:PORT DESTINATION",
      cause: error,
    });
  }
};
