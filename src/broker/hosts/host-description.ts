/** One host as a connection would see it: what ssh_config says of it, line by line, and where. */

import type { KnownFacts } from "../../config/ssh-config/asked-facts.ts";
import { effectiveOptions } from "../../config/ssh-config/listing/effective-options.ts";
import { describeOrigin } from "../../config/ssh-config/origin.ts";
import { listAliases, resolve } from "../../config/ssh-config/resolve.ts";
import type { CallScope } from "../../core/call-scope.ts";
import { parseDestination } from "../../core/destination.ts";
import type { DialRequest } from "../../core/dial-request.ts";
import type { HostDescription, HostOption } from "../../core/hosts.ts";
import { type DialPlan, planDial } from "../logins/dial-plan.ts";
import { algorithmSets } from "./algorithm-sets.ts";

/** What files of ours say of it besides is the caller's to add. */
export type Described = Pick<HostDescription, "name" | "host" | "port" | "user" | "origin" | "options">;

/** Connects to nothing. @throws SshMcpError as `planDial` */
export const describeHost = async (request: DialRequest, scope: CallScope): Promise<Described> => {
  const plan = await planDial(request, scope);
  const { hostname: host, port, user } = plan.resolved;
  const isModel = scope.caller.face === "mcp";
  const options = await optionsOf(plan, isModel);
  const alias = listAliases(request.configFile, plan.environment).find(({ name }) => name === plan.typedHost);
  const origin = alias === undefined ? null : describeOrigin(alias.origin);
  return { name: plan.typedHost, host, port, user, origin, options: isModel ? options.map(withoutSecrets) : options };
};

/** Lines of a host that is written in our own file, but said by another one first: each as a sentence. */
export const othersWin = async (name: string, own: string, scope: CallScope): Promise<string[]> => {
  const plan = await planDial(requestFor(name), scope);
  const { directives } = resolutionOf(plan);
  return [...directives].flatMap(([keyword, lines]) => {
    const [first, ...later] = lines;
    const isOurs = (line: { origin: { file: string | null } }): boolean => line.origin.file === own;
    if (first === undefined || isOurs(first) || adding.has(keyword) || !later.some(isOurs)) return [];
    return [`${keyword} of ${name} is said by ${describeOrigin(first.origin)} first, which wins`];
  });
};

/** Keywords whose lines add up. */
const adding = new Set([
  "identityfile",
  "certificatefile",
  "sendenv",
  "localforward",
  "remoteforward",
  "dynamicforward",
]);

const requestFor = (name: string): DialRequest => ({
  destination: name,
  user: null,
  port: null,
  identityFiles: [],
  configFile: null,
  options: [],
  timeoutMs: null,
});

const optionsOf = async (plan: DialPlan, isModel: boolean): Promise<HostOption[]> => {
  // Variables in options that are shown alone were not asked for yet.
  const options = await plan.environment.asked.resolve((facts) =>
    effectiveOptions(resolutionOf(plan, facts), algorithmSets),
  );
  return options.map(({ name, value, origin, acted, holdsVariables }) => ({
    name,
    // The environment of whoever runs an agent's program is not the agent's to read.
    value: isModel && holdsVariables ? "(not shown)" : value,
    origin: origin === null ? null : describeOrigin(origin),
    acted,
  }));
};

const resolutionOf = (plan: DialPlan, facts?: KnownFacts) => {
  const { request, typedHost, destination, environment } = plan;
  const { identityFiles, configFile, options } = request;
  // An alias stands as it is; whatever else was typed has its user and port in the canonical form.
  const { user, port } = destination === typedHost ? request : parseDestination(destination);
  return resolve({ host: typedHost, user, port, identityFiles, configFile, options }, { ...environment, ...facts });
};

/** Options in which people keep passwords and tokens, or command lines that hold one. */
const secretive = new Set(["setenv", "proxycommand", "localcommand", "remotecommand", "knownhostscommand"]);

/** An agent learns that it is set, and no more. */
const withoutSecrets = (option: HostOption): HostOption =>
  secretive.has(option.name.toLowerCase()) && option.origin !== null ? { ...option, value: "(not shown)" } : option;
