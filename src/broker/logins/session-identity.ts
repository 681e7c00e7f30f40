import { createHash } from "node:crypto";
import type { ResolvedHost } from "../../config/ssh-config/resolved-host.ts";
import type { DialRequest } from "../../core/dial-request.ts";
import { type GivenFiles, namesGivenFiles } from "./given-files.ts";
import { lackValues } from "./option-secrets.ts";

/** The last jump host on the way. */
interface Hop {
  resolved: Pick<ResolvedHost, "hostname" | "port" | "user">;
  way: string;
}

/**
 * What makes two sessions the same: they reach the same server as the same user in the same way. SHA-256 in hex, for a file to hold.
 * Whatever else ssh_config comes to decide about the way there belongs in `wayOf`.
 * @param request with absolute paths
 * @param given files that stand for what they hold: their paths mean nothing to another process
 */
export const sessionKey = (
  resolved: ResolvedHost,
  request: DialRequest,
  given: GivenFiles,
  via: Hop | null,
): string => {
  const { hostname, port, user } = resolved;
  const named = (path: string): string => {
    const content = given.get(path);
    return content === undefined ? path : `sha256:${sha256(content)}`;
  };
  const identityFiles = request.identityFiles.map(named);
  const configFile = request.configFile === null ? null : named(request.configFile);
  const { options } = request;
  // A plain way adds nothing: the same host has the same identity as in records of a release that knew no other.
  const way = wayOf(resolved, via);
  const further = way === "" ? {} : { way };
  return sha256(JSON.stringify({ hostname, port, user, identityFiles, configFile, options, ...further }));
};

/**
 * What decides beside the host's own name which server answers to it: jump hosts, a proxy command, the name that its host key goes by, the
 * local end. SHA-256 in hex; empty for a host that is dialled by its name and nothing else.
 */
export const wayOf = (resolved: ResolvedHost, via: Hop | null): string => {
  const { proxy, hostKeyAlias, addressFamily, bindAddress, bindInterface } = resolved;
  const parts = [
    via === null ? null : [via.resolved.hostname, via.resolved.port, via.resolved.user, via.way],
    proxy.kind === "command" ? proxy.command : null,
    ...[hostKeyAlias, addressFamily === "any" ? null : addressFamily, bindAddress, bindInterface],
  ];
  return parts.every((part) => part === null) ? "" : sha256(JSON.stringify(parts));
};

/** Whether only a person can make a request again: it names files of one process, or has lost values that no disk keeps. */
export const isMadeOnce = (request: DialRequest): boolean => namesGivenFiles(request) || lackValues(request.options);

const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

/**
 * Whether two requests certainly ask for the same, before ssh_config is asked; the time a login may take is no part of it. A file that only the
 * caller can read may be another one each time.
 */
export const isSameRequest = (one: DialRequest, other: DialRequest): boolean =>
  requestText(one) === requestText(other) && !namesGivenFiles(one);

const requestText = ({ destination, user, port, identityFiles, configFile, options }: DialRequest): string =>
  JSON.stringify([destination, user, port, identityFiles, configFile, options]);
