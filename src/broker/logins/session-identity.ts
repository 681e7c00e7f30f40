import { createHash } from "node:crypto";
import type { ResolvedHost } from "../../config/ssh-config/resolved-host.ts";
import type { DialRequest } from "../../core/session.ts";
import { type GivenFiles, namesGivenFiles } from "./given-files.ts";

/**
 * What makes two sessions the same: they reach the same server as the same user in the same way. SHA-256 in hex, for a file to hold.
 * Whatever else ssh_config comes to decide about the way there belongs in this list.
 * @param request with absolute paths
 * @param given files that stand for what they hold: their paths mean nothing to another process
 */
export const sessionKey = (resolved: ResolvedHost, request: DialRequest, given: GivenFiles): string => {
  const { hostname, port, user } = resolved;
  const named = (path: string): string => {
    const content = given.get(path);
    return content === undefined ? path : `sha256:${sha256(content)}`;
  };
  const identityFiles = request.identityFiles.map(named);
  const configFile = request.configFile === null ? null : named(request.configFile);
  return sha256(JSON.stringify({ hostname, port, user, identityFiles, configFile, options: request.options }));
};

const sha256 = (content: string | Uint8Array): string => createHash("sha256").update(content).digest("hex");

/**
 * Whether two requests certainly ask for the same, before ssh_config is asked; the time a login may take is no part of it. A file that only the
 * caller can read may be another one each time.
 */
export const isSameRequest = (one: DialRequest, other: DialRequest): boolean =>
  requestText(one) === requestText(other) && !namesGivenFiles(one);

const requestText = ({ destination, user, port, identityFiles, configFile, options }: DialRequest): string =>
  JSON.stringify([destination, user, port, identityFiles, configFile, options]);
