/** Configuration and keys that only the caller's process can read: those that `-F <(command)` and `-i <(command)` name. */
import type { ResolvedHost } from "../../config/ssh-config/resolved-host.ts";
import type { CallerFiles, CallScope } from "../../core/call-scope.ts";
import type { DialRequest } from "../../core/dial-request.ts";
import { type ErrorCode, SshMcpError } from "../../core/errors.ts";
import { escapeLine } from "../../core/escape.ts";
import { isOfProcess } from "../../files/process-path.ts";
import { invalidKey, largestKeyFile } from "../../ssh/auth/key-file.ts";
import { connectCommandOf } from "./connect-command.ts";

/** What they hold, by the path that the request has. Keys are among it: it serves one dial, and is kept no longer. */
export type GivenFiles = ReadonlyMap<string, Uint8Array>;

type Files = Pick<DialRequest, "configFile" | "identityFiles">;

/** Bytes; a configuration of a hundred hosts has a hundredth of it. */
const largestConfig = 1024 * 1024;

/** Whether a request names such files: the same request means others, or nothing, when it is made again. */
export const namesGivenFiles = (files: Files): boolean => pathsOf(files).some(isOfProcess);

/**
 * Has the caller's process read those files of a request that it alone can read, one after the other. A pipe is waited for.
 * @throws SshMcpError CONFIG_INVALID, KEY_INVALID when one cannot be read, or is too large; INVALID_INPUT for a model, whose descriptors hold
 *   nothing for it; CANCELED
 */
export const readGivenFiles = async (
  request: DialRequest,
  { caller, files }: Pick<CallScope, "caller" | "files">,
): Promise<GivenFiles> => {
  const given = new Map<string, Uint8Array>();
  for (const path of pathsOf(request).filter(isOfProcess)) {
    if (caller.face === "mcp") throw noFile(path);
    if (!given.has(path)) given.set(path, await contentOf(path, request, files));
  }
  return given;
};

const contentOf = async (path: string, request: DialRequest, files: CallerFiles): Promise<Uint8Array> => {
  const isConfig = path === request.configFile;
  const unusable = (why: string, cause?: unknown): SshMcpError => {
    const hint = connectCommandOf(request, null);
    if (!isConfig) return invalidKey(path, why, cause, hint);
    return new SshMcpError("CONFIG_INVALID", `the configuration cannot be read: ${why}`, { hint, cause });
  };
  const limit = isConfig ? largestConfig : largestKeyFile;
  const content = await whole(files.read(path), limit).catch((error: unknown) => {
    throw error instanceof SshMcpError && ofFiles.has(error.code) ? unusable(error.message, error) : error;
  });
  if (content === null) throw unusable(`${escapeLine(path)} has more than ${limit} bytes`);
  return content;
};

/**
 * Nobody opens what else a configuration says of descriptors: they would be the broker's own.
 * @throws SshMcpError UNSUPPORTED
 */
export const mustBeFiles = (resolved: ResolvedHost, given: GivenFiles): void => {
  const { identityFiles, certificateFiles, userKnownHostsFiles, globalKnownHostsFiles } = resolved;
  const keys = [...identityFiles.filter((path) => !given.has(path)), ...certificateFiles];
  const paths = [...keys, ...userKnownHostsFiles, ...globalKnownHostsFiles];
  const foreign = paths.find(isOfProcess);
  if (foreign === undefined) return;
  throw new SshMcpError(
    "UNSUPPORTED",
    `${escapeLine(foreign)} is another file in every process, and is read only where -F or -i names it`,
    { hint: "ssh-mcp connect --help" },
  );
};

const pathsOf = ({ configFile, identityFiles }: Files): string[] => [
  ...(configFile === null ? [] : [configFile]),
  ...identityFiles,
];

/** What reading a local file throws. */
const ofFiles: ReadonlySet<ErrorCode> = new Set(["NOT_FOUND", "LOCAL_IO"]);

/** @returns null for more bytes than that */
const whole = async (pieces: AsyncIterable<Uint8Array>, limit: number): Promise<Uint8Array | null> => {
  const kept: Uint8Array[] = [];
  let length = 0;
  for await (const piece of pieces) {
    length += piece.length;
    if (length > limit) return null;
    kept.push(piece);
  }
  return Buffer.concat(kept);
};

const noFile = (path: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", `${escapeLine(path)} is no key file: it is another file in every process`, {
    hint: 'ssh_connect {"destination":"…","identityFile":["~/.ssh/id_ed25519"]}',
  });
