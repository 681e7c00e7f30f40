/** Which names may become part of a command line: readconf.c ssh_valid_hostname and ssh_valid_ruser. */
import { SshMcpError } from "../../../core/errors.ts";
import { shown } from "../../../core/escape.ts";

/** No option, no blank, nothing that a shell gives a meaning. */
const isValidHostname = (host: string): boolean => !host.startsWith("-") && !/['`"$\\;&<>|(){},\s\p{Cc}]/u.test(host);

/** The same for a remote user: blanks inside, `$` and a backslash that is not the last character are fine. */
const isValidRemoteUser = (user: string): boolean =>
  !user.startsWith("-") && !/['`";&<>|(){}\p{Cc}]|\s-|\\$/u.test(user);

/** @throws SshMcpError INVALID_INPUT */
export const validateHostname = (host: string): void => {
  if (!isValidHostname(host)) throw invalidName("host name", host);
};

/** @throws SshMcpError INVALID_INPUT */
export const validateRemoteUser = (user: string): void => {
  if (!isValidRemoteUser(user)) throw invalidName("user name", user);
};

const invalidName = (what: string, name: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", `the ${what} ${shown(name)} has characters that no ${what} may have`, {
    hint: "ssh-mcp connect USER@HOST",
  });
