/** Hosts that remember what they were asked, for an operation that runs alone. */

import type { CallScope } from "../../src/core/call-scope.ts";
import type { DialRequest } from "../../src/core/dial-request.ts";
import type { HostChange, HostDescription, HostEntry, HostFields, Hosts, Initialized } from "../../src/core/hosts.ts";

export const entry: HostEntry = {
  name: "web",
  origin: "/home/me/.ssh/config:3",
  label: "the web",
  groups: ["prod"],
  sessions: ["web"],
  enabled: true,
  proposedBy: null,
};

export const description: HostDescription = {
  name: "web",
  host: "192.0.2.1",
  port: 22,
  user: "deploy",
  origin: "/home/me/.ssh/config:3",
  label: null,
  groups: ["prod"],
  legacy: false,
  passwordCommand: false,
  proposal: null,
  options: [
    { name: "user", value: "deploy", origin: "/home/me/.ssh/config:5", acted: true },
    { name: "port", value: "22", origin: null, acted: true },
    { name: "visualhostkey", value: "yes", origin: "/home/me/.ssh/config:6", acted: false },
  ],
};

export class FakeHosts implements Hosts {
  readonly lists: (readonly string[])[] = [];
  readonly described: DialRequest[] = [];
  readonly changes: { verb: string; name: string; fields?: HostFields; unset?: readonly string[] }[] = [];

  async list(filter: readonly string[]): Promise<HostEntry[]> {
    this.lists.push(filter);
    return [entry, { ...entry, name: "new", sessions: [], enabled: false, proposedBy: "editor 1.0" }];
  }

  async describe(request: DialRequest): Promise<HostDescription> {
    this.described.push(request);
    return description;
  }

  async members(): Promise<string[]> {
    return ["web", "db"];
  }

  async add(name: string, fields: HostFields, { caller }: CallScope): Promise<HostChange> {
    return this.#changed({ verb: "add", name, fields }, caller.face === "mcp" ? `ssh-mcp hosts enable ${name}` : null);
  }

  async set(name: string, fields: HostFields, unset: readonly string[]): Promise<HostChange> {
    return this.#changed({ verb: "set", name, fields, unset });
  }

  async remove(name: string): Promise<HostChange> {
    return this.#changed({ verb: "remove", name });
  }

  async enable(name: string): Promise<HostChange> {
    return this.#changed({ verb: "enable", name });
  }

  async initialize(): Promise<Initialized> {
    return { created: ["/b/config.toml"], kept: ["/b/ssh_config"], include: "Include /b/ssh_config", included: false };
  }

  #changed(change: FakeHosts["changes"][number], enable: string | null = null): HostChange {
    this.changes.push(change);
    return { name: change.name, file: "/home/me/.ssh-mcp/ssh_config", entry: `Host ${change.name}`, enable };
  }
}
