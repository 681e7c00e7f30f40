/** What it takes to reach a server: the destination, and what the caller says beside it. */
export interface DialRequest {
  /** An alias of ssh_config, `[user@]host[:port]` or `ssh://[user@]host[:port]`. */
  destination: string;
  user: string | null;
  port: number | null;
  /** Key files, in the order to try, before those of ssh_config. A leading `~/` is the caller's home. */
  identityFiles: readonly string[];
  /** `-F FILE` instead of the user's and the system's ssh_config; `none` reads none. */
  configFile: string | null;
  /** `-o Keyword=value`, in order; they win over every file. */
  options: readonly string[];
  /** Limit for TCP, handshake and authentication together, without the time a person takes to answer. */
  timeoutMs: number | null;
}
