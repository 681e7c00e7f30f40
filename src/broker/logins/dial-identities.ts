/** The keys of a login, from what was planned. */
import type { ResolvedHost } from "../../config/ssh-config/resolved-host.ts";
import {
  assembleAlgorithms,
  opensshAlgorithms,
  opensshDefaults,
} from "../../config/ssh-config/values/algorithm-list.ts";
import { SshMcpError } from "../../core/errors.ts";
import { usesAgentAlone } from "../../core/login-choice.ts";
import type { Ask } from "../../core/question.ts";
import { Agent } from "../../ssh/auth/agent.ts";
import { addToAgent } from "../../ssh/auth/agent-addition.ts";
import { Authentication, type AuthMethods } from "../../ssh/auth/authentication.ts";
import { collectIdentities, type LoginUnderWay } from "../../ssh/auth/identities.ts";
import {
  type IdentityFiles,
  mustBeUsable,
  readConfiguredFiles,
  readNamedFiles,
  type WantedFiles,
} from "../../ssh/auth/identity-files.ts";
import type { KeyAlgorithms } from "../../ssh/auth/signature-algorithms.ts";
import type { DialPlan } from "./dial-plan.ts";

/** Begins a login. Once only: it holds keys, which are gone afterwards. */
export type Authenticate = (ask: Ask, login: LoginUnderWay) => Authentication;

/**
 * Reads the key files that the request names: one that cannot be used is an error before anything is dialled.
 * @param callersAgent what SSH_AUTH_SOCK of whoever calls names, or null
 * @throws SshMcpError KEY_INVALID, CONFIG_INVALID
 */
export const planAuthentication = async (plan: DialPlan, callersAgent: string | null): Promise<Authenticate> => {
  const { resolved, destination, connectCommand, widerCommand, typedHost } = plan;
  const agent = agentOf(resolved, callersAgent);
  const wanted = wantedFiles(plan);
  let named: IdentityFiles | null = await readNamedFiles(wanted);
  await mustBeUsable(named, wanted, agent);
  const { batchMode, requiredRsaBits, identitiesOnly } = resolved;
  const algorithms = keyAlgorithms(resolved);
  const passphraseTries = batchMode ? 0 : resolved.numberOfPasswordPrompts;
  return (ask, login) => {
    const shared = { ...{ agent, ask, destination, connectCommand } };
    return new Authentication({
      ...{ user: resolved.user, host: typedHost, destination, connectCommand, widerCommand, ask, algorithms },
      promptHost: promptHost(resolved),
      methods: methodsOf(resolved),
      identities: async () => {
        // Whoever keeps this function does not keep the keys.
        const { keys, certificates } = named ?? { keys: [], certificates: [] };
        named = null;
        return await collectIdentities({
          ...{ ...shared, login, identitiesOnly, algorithms, requiredRsaBits, passphraseTries },
          files: { keys: [...keys, ...(await readConfiguredFiles(wanted))], certificates },
          filesSign: !usesAgentAlone(plan.request.options),
          opened: (key, path) => addToAgent(key, path, { ...shared, wish: resolved.addKeysToAgent, batchMode }),
        });
      },
    });
  };
};

/** As ssh(1) names the server where it asks: programs that answer look for it. */
export const promptHost = ({ hostKeyAlias, hostname }: Pick<ResolvedHost, "hostKeyAlias" | "hostname">): string =>
  hostKeyAlias ?? hostname;

const agentOf = ({ identityAgent }: ResolvedHost, callersAgent: string | null): Agent | null => {
  if (identityAgent.kind === "none") return null;
  const socket = identityAgent.kind === "socket" ? identityAgent.path : callersAgent;
  return socket === null || socket === "" ? null : new Agent(socket);
};

const wantedFiles = ({ resolved, environment: { given } }: DialPlan): WantedFiles => {
  const { identityFiles, identityFilesRequested, certificateFiles, certificateFilesRequested } = resolved;
  return {
    named: identityFiles.slice(0, identityFilesRequested),
    configured: identityFiles.slice(identityFilesRequested),
    namedCertificates: certificateFiles.slice(0, certificateFilesRequested),
    configuredCertificates: certificateFiles.slice(certificateFilesRequested),
    readsBeside: resolved.certificatesBeside,
    requiredRsaBits: resolved.requiredRsaBits,
    given: (path) => given.get(path),
  };
};

const keyAlgorithms = ({ pubkeyAcceptedAlgorithms }: ResolvedHost): KeyAlgorithms => {
  const accepted = assembleAlgorithms(pubkeyAcceptedAlgorithms, opensshDefaults.hostKey, opensshAlgorithms.hostKey);
  if (accepted.length > 0) return { accepted, isDefault: pubkeyAcceptedAlgorithms === null };
  throw new SshMcpError("CONFIG_INVALID", "PubkeyAcceptedAlgorithms leaves no algorithm", { hint: "man ssh_config" });
};

/** RFC 4252 methods that ssh_config leaves; with BatchMode those where a person types are out, as in ssh(1). */
const methodsOf = (resolved: ResolvedHost): AuthMethods => {
  const isPossible: Readonly<Record<string, boolean>> = {
    publickey: resolved.pubkeyAuthentication,
    password: resolved.passwordAuthentication && !resolved.batchMode,
    "keyboard-interactive": resolved.kbdInteractiveAuthentication && !resolved.batchMode,
  };
  const preferred = resolved.preferredAuthentications.filter((name) => isPossible[name] === true);
  return { preferred, prompts: resolved.numberOfPasswordPrompts };
};
