/** The host keys of servers, as a person looks at them. */
import type { CallScope } from "./call-scope.ts";
import type { DialRequest } from "./dial-request.ts";

/** A host key that a server has shown. */
export interface ShownHostKey {
  /** RFC 4253 name: `ssh-ed25519`, `ecdsa-sha2-nistp256`, `ssh-rsa`. */
  type: string;
  bits: number;
  /** `SHA256:…` */
  fingerprint: string;
  /** Several lines. */
  randomart: string;
  /** `recorded`: it was new, and is known from now on. `left`: it is new, and another one was meant. */
  state: "known" | "recorded" | "left";
  /** Where it is known: `FILE:LINE`. */
  by: string | null;
}

export interface TrustedHost {
  host: string;
  port: number;
  /** What it is called in known_hosts. */
  name: string;
  keys: ShownHostKey[];
  /** Where new keys were recorded; null when there were none, or there is no place for them. */
  file: string | null;
}

export interface HostKeys {
  /**
   * Has a server show its host keys, without a login, and records those that a person accepts.
   * @param fingerprint of the one key that is accepted without a question; null asks
   * @throws SshMcpError HOST_KEY_UNKNOWN when they are not accepted, HOST_KEY_CHANGED, HOST_KEY_REVOKED, and as a connection to the server does
   */
  trust(request: DialRequest, fingerprint: string | null, scope: CallScope): Promise<TrustedHost>;
}
