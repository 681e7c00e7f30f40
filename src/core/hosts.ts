/**
 * What operations know of the hosts that ssh_config names. The broker implements these; operations, faces and tests only see the interfaces.
 * Nothing here connects to anything.
 */
import type { CallScope } from "./call-scope.ts";
import type { DialRequest } from "./dial-request.ts";

/** A host that a file of ssh_config names without wildcards. */
export interface HostEntry {
  name: string;
  /** `FILE:LINE` of what names it. */
  origin: string;
  /** What it is; null when nobody said. */
  label: string | null;
  /** Without `@`. */
  groups: readonly string[];
  /** Names of the sessions to it that are connected, among those that the caller may see. */
  sessions: readonly string[];
  /** False for one that an agent proposed and nobody has enabled: neither ssh nor we know it. */
  enabled: boolean;
  /** Who proposed it; null for one that is enabled. */
  proposedBy: string | null;
}

/** One line of `ssh -G`, and why it is so. */
export interface HostOption {
  /** In lower case. */
  name: string;
  value: string;
  /** `FILE:LINE`, `-o`, `the request`, or null for ssh's default. */
  origin: string | null;
  /** False for an option that ssh knows and that is not acted on here. */
  acted: boolean;
}

/** A host as a connection would see it. */
export interface HostDescription {
  /** As typed. */
  name: string;
  host: string;
  port: number;
  user: string;
  /** `FILE:LINE` of what names it; null for a host that no file names. */
  origin: string | null;
  label: string | null;
  groups: readonly string[];
  legacy: boolean;
  /** Whether a PasswordCommand is set: what it is, is nobody's here. */
  passwordCommand: boolean;
  /** What an agent proposed under this name and nobody has enabled: it does not count. */
  proposal: { by: string; entry: string } | null;
  options: readonly HostOption[];
}

/** What an entry of our own file says. A field that is undefined is not said. */
export interface HostFields {
  host?: string | undefined;
  user?: string | undefined;
  port?: number | undefined;
  identityFile?: readonly string[] | undefined;
  jump?: string | undefined;
  /** `Keyword=value`, in ssh_config's own syntax. */
  set?: readonly string[] | undefined;
  label?: string | undefined;
  group?: readonly string[] | undefined;
}

/** An entry of our own file that was written, or taken out. */
export interface HostChange {
  name: string;
  /** The file that was written. */
  file: string;
  /** Its lines there, as they are now; for one that was taken out, as they were. */
  entry: string;
  /** The command by which a person has it count; null when it does already. */
  enable: string | null;
}

/** What `init` made, and what was there. */
export interface Initialized {
  created: readonly string[];
  kept: readonly string[];
  /** The line of `~/.ssh/config` by which plain ssh knows our entries. */
  include: string;
  /** Whether that line is there. */
  included: boolean;
}

export interface Hosts {
  /**
   * Every host that is named, in the order of the files, and those that are proposed.
   * @param filter names, globs and `@group`s; none lists all
   * @throws SshMcpError CONFIG_INVALID; NOT_FOUND for a group that there is not
   */
  list(filter: readonly string[], scope: CallScope): Promise<HostEntry[]>;
  /** @throws SshMcpError as a connection would before it dials */
  describe(request: DialRequest, scope: CallScope): Promise<HostDescription>;
  /**
   * The hosts of a group as config.toml has them, whether a file of ssh_config names them or not.
   * @param group without `@`
   * @throws SshMcpError NOT_FOUND for a group that there is not; CONFIG_INVALID
   */
  members(group: string): Promise<string[]>;
  /**
   * Writes an entry to our own file; for an agent, one that is disabled until a person enables it.
   * @throws SshMcpError ALREADY_EXISTS, INVALID_INPUT, CONFIG_INVALID, LOCAL_IO
   */
  add(name: string, fields: HostFields, scope: CallScope): Promise<HostChange>;
  /**
   * Changes an entry of our own file.
   * @param unset fields and keywords to take out
   * @throws SshMcpError NOT_FOUND, INVALID_INPUT, PRECONDITION_FAILED, CONFIG_INVALID, LOCAL_IO
   */
  set(name: string, fields: HostFields, unset: readonly string[], scope: CallScope): Promise<HostChange>;
  /** Takes an entry out of our own file, one that is proposed as well. @throws as `set` */
  remove(name: string, scope: CallScope): Promise<HostChange>;
  /** Has an entry that an agent proposed count from now on. @throws as `set`; ALREADY_EXISTS */
  enable(name: string, scope: CallScope): Promise<HostChange>;
  /** Makes the files of ours that are not there. @throws SshMcpError LOCAL_IO */
  initialize(scope: CallScope): Promise<Initialized>;
}
