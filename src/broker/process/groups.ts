/**
 * `@group` and `a,b` as a target: the sessions of a group where an operation takes many sessions, every host where a command runs and the caller
 * takes one answer, a clear word where one host is meant. Before policy, which is asked about each.
 */
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { hintFor } from "../../core/hint.ts";
import type { Context } from "../../core/operation.ts";
import { expandTargets, isGroup, isSeveral, targetsIn } from "../../core/targets.ts";
import { sessionsOf } from "../hosts/host-list.ts";
import type { Invocation, Run } from "./dispatch.ts";
import { severalHosts } from "./several-hosts.ts";

/** @throws SshMcpError NOT_FOUND for a group that there is not, or has no host; USAGE where one host is meant, and for a list with a gap; CONFIG_INVALID */
export const grouped = (next: Run): Run => {
  const onSeveral = severalHosts(next);
  return async (invocation) => {
    const { operation, input, capture, context } = invocation;
    // Where operands name the servers, each names one.
    const list = operation.targets?.(input).find(isSeveral);
    if (list !== undefined) {
      throw oneHostAlone(invocation, list, await expandTargets(list, (group) => context.hosts.members(group)));
    }
    const field = operation.target;
    const value: unknown = field === null || namesFile(input) ? null : input[field];
    if (field === null || !hasSeveral(value)) return await next(invocation);
    if (typeof value === "string") {
      const names = await expandTargets(value, (group) => context.hosts.members(group));
      if (capture !== null && Object.hasOwn(operation.output.entries, "hosts"))
        return await onSeveral(invocation, names);
      throw oneHostAlone(invocation, value, names);
    }
    const targets = await Promise.all(
      (value as string[]).flatMap(targetsIn).map((target) => expanded(target, context)),
    );
    return await next({ ...invocation, input: { ...input, [field]: [...new Set(targets.flat())] } });
  };
};

const hasSeveral = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.some((one) => typeof one === "string" && isSeveral(one))
    : typeof value === "string" && isSeveral(value);

/** The passphrase of a key is filed under its path, which may hold anything. */
const namesFile = (input: Invocation["input"]): boolean => input["key"] === true;

const expanded = async (target: string, context: Context): Promise<string[]> => {
  if (!isGroup(target)) return [target];
  const members = await context.hosts.members(target.slice(1));
  return sessionsOf(members, context.sessions.list(context.caller));
};

/** Names none of the hosts: policy, which is asked about each, was not asked yet. */
const oneHostAlone = ({ operation, context }: Invocation, target: string, names: readonly string[]): SshMcpError => {
  const { caller } = context;
  const what = isGroup(target) ? `a group of ${names.length}` : `a list of ${names.length}`;
  const filter = target.split(",");
  return new SshMcpError("USAGE", `${hintFor(caller, operation)} takes one host, and ${shown(target)} is ${what}`, {
    hint: hintFor(caller, {
      command: `ssh-mcp hosts ls ${filter.join(" ")}`,
      tool: `ssh_hosts ${JSON.stringify({ filter })}`,
    }),
  });
};
