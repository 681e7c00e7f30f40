/** The keys of a login, from what was planned. */
import type { Ask } from "../../core/session.ts";
import { Authentication } from "../../ssh/auth/authentication.ts";
import { collectIdentities, type LoginUnderWay } from "../../ssh/auth/identities.ts";
import { type KeyFile, keyFileOf, readKeyFile } from "../../ssh/auth/key-file.ts";
import type { DialPlan } from "./dial-plan.ts";

/** Begins a login. */
export type Authenticate = (ask: Ask, login: LoginUnderWay) => Authentication;

/**
 * Reads the key files that the request names: they come first, and one that cannot be used is an error before anything is dialled.
 * @throws SshMcpError KEY_INVALID
 */
export const planAuthentication = async (plan: DialPlan, agentSocket: string | null): Promise<Authenticate> => {
  const { resolved, destination, connectCommand, typedHost } = plan;
  const namedPaths = resolved.identityFiles.slice(0, resolved.identityFilesRequested);
  const named = await Promise.all(namedPaths.map((path) => namedKey(path, plan)));
  return (ask, login) =>
    new Authentication({
      user: resolved.user,
      host: typedHost,
      destination,
      connectCommand,
      ask,
      identities: () =>
        collectIdentities({
          named,
          configured: resolved.identityFiles.slice(resolved.identityFilesRequested),
          identitiesOnly: resolved.identitiesOnly,
          agentSocket,
          ask,
          login,
          destination,
          connectCommand,
        }),
    });
};

const namedKey = async (path: string, { environment: { given } }: DialPlan): Promise<KeyFile> => {
  const content = given.get(path);
  return content === undefined ? readKeyFile(path) : keyFileOf(path, Buffer.from(content));
};
