/** What `config.toml` says of one host, in `[host.NAME]` and the `[group.NAME]`s it is in. */
export interface HostSettings {
  /** What it is, shown in lists; null when nobody said. */
  label: string | null;
  /** Names of its groups, without `@`. */
  groups: readonly string[];
  /** Whether algorithms are offered that nobody should need any more: SHA-1 key exchange, CBC, ssh-rsa. */
  legacy: boolean;
  /** A line for the person's shell that prints the password, as `pass show db1`; null for none. */
  passwordCommand: string | null;
}

export const noHostSettings: HostSettings = { label: null, groups: [], legacy: false, passwordCommand: null };
