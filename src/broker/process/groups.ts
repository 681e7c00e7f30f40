/** `@group` as a target: its sessions where an operation takes many, a clear word where it takes one. Before policy, which is asked about each. */
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import { hintFor } from "../../core/hint.ts";
import type { Context } from "../../core/operation.ts";
import { sessionsOf } from "../hosts/host-list.ts";
import type { Invocation, Run } from "./dispatch.ts";

/** @throws SshMcpError NOT_FOUND for a group that there is not; USAGE for one where one host is meant; CONFIG_INVALID */
export const grouped =
  (next: Run): Run =>
  async (invocation) => {
    const { operation, input, context } = invocation;
    const field = operation.target;
    const value: unknown = field === null ? null : input[field];
    if (field === null || !hasGroup(value)) return await next(invocation);
    if (typeof value === "string") throw await oneHostAlone(invocation, value);
    const targets = await Promise.all((value as string[]).map((target) => expanded(target, context)));
    return await next({ ...invocation, input: { ...input, [field]: [...new Set(targets.flat())] } });
  };

/** No host, no alias that anybody has and no session begins with it. */
const isGroup = (target: unknown): boolean => typeof target === "string" && /^@./s.test(target);

const hasGroup = (value: unknown): boolean => (Array.isArray(value) ? value.some(isGroup) : isGroup(value));

const expanded = async (target: string, context: Context): Promise<string[]> => {
  if (!isGroup(target)) return [target];
  const members = await context.hosts.members(target.slice(1));
  return sessionsOf(members, context.sessions.list(context.caller));
};

/** Names none of the hosts: policy, which is asked about each, was not asked yet. */
const oneHostAlone = async ({ operation, context }: Invocation, target: string): Promise<SshMcpError> => {
  const { hosts, caller } = context;
  const { length } = await hosts.members(target.slice(1));
  const verb = hintFor(caller, operation);
  return new SshMcpError("USAGE", `${verb} takes one host, and ${shown(target)} is a group of ${length}`, {
    hint: hintFor(caller, {
      command: `ssh-mcp hosts ls ${target}`,
      tool: `ssh_hosts ${JSON.stringify({ filter: [target] })}`,
    }),
  });
};
