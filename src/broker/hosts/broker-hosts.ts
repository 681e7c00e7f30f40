import { readFileSync } from "node:fs";
import { posix } from "node:path";
import { hostSettings } from "../../config/host-settings.ts";
import { checkName } from "../../config/own-config/entry-fields.ts";
import { type LabelChange, withLabels } from "../../config/own-config/settings-edit.ts";
import { ownFileTemplate, settingsTemplate } from "../../config/own-config/templates.ts";
import { listingsOf, listingText, mustBeSaid } from "../../config/own-config/unset-labels.ts";
import { readSettings } from "../../config/settings.ts";
import { lexLine } from "../../config/ssh-config/files/lexer.ts";
import { readAhead } from "../../config/ssh-config/files/parsed-files.ts";
import { type HostEnvironment, listAliases } from "../../config/ssh-config/resolve.ts";
import type { CallScope } from "../../core/call-scope.ts";
import type { DialRequest } from "../../core/dial-request.ts";
import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";
import type { HostChange, HostDescription, HostEntry, HostFields, Hosts, Initialized } from "../../core/hosts.ts";
import type { Sessions } from "../../core/session.ts";
import { localUser } from "../../files/passwd.ts";
import { homeDirectory } from "../../files/paths.ts";
import { hintPrefix } from "../process/hint-prefix.ts";
import {
  added,
  type Change,
  changedEntry,
  enabled,
  hasEntry,
  proposalOf,
  removed,
  type Standing,
} from "./host-changes.ts";
import { describeHost, othersWin } from "./host-description.ts";
import { type Alias, filtered, listHosts, membersOf } from "./host-list.ts";
import { OwnFiles } from "./own-files.ts";

/** The hosts of this user's files, in the world of whoever calls. Files are read at every call: people edit them. */
export class BrokerHosts implements Hosts {
  readonly #base: string;
  readonly #files: OwnFiles;
  readonly #sessions: Pick<Sessions, "list">;

  /** @param base the base directory */
  constructor(base: string, sessions: Pick<Sessions, "list">) {
    this.#base = base;
    this.#files = new OwnFiles(base);
    this.#sessions = sessions;
  }

  async list(filter: readonly string[], scope: CallScope): Promise<HostEntry[]> {
    const settings = readSettings(this.#base);
    const aliases = listAliases(null, await this.#environment(scope));
    const own = { path: this.#files.config, text: this.#files.readConfig() };
    const hosts = listHosts({ aliases, settings, sessions: this.#sessions.list(scope.caller), own });
    return filtered(hosts, filter, settings);
  }

  async describe(request: DialRequest, scope: CallScope): Promise<HostDescription> {
    const described = await describeHost(request, scope);
    const { name } = described;
    const { label, groups, legacy, passwordCommand } = hostSettings(readSettings(this.#base), name);
    return {
      ...described,
      ...{ label, groups, legacy, passwordCommand: passwordCommand !== null },
      proposal: proposalOf(this.#files.config, this.#files.readConfig(), name),
    };
  }

  async members(group: string): Promise<string[]> {
    // Whatever an agent proposes under such a name, it is a person who put it into the group.
    return membersOf(readSettings(this.#base), group);
  }

  async add(name: string, fields: HostFields, scope: CallScope): Promise<HostChange> {
    const isAgent = scope.caller.face === "mcp";
    const by = isAgent ? scope.caller.client : null;
    const labels = { label: fields.label, groups: fields.group };
    const change = await this.#change(name, labels, scope, (standing) => added(standing, name, fields, by));
    if (isAgent) return { ...change, enable: `${hintPrefix(this.#base)}ssh-mcp hosts enable ${name}` };
    await this.#warn(name, scope);
    return change;
  }

  async set(name: string, fields: HostFields, unset: readonly string[], scope: CallScope): Promise<HostChange> {
    const labels = {
      label: unset.includes("label") ? null : fields.label,
      groups: unset.includes("group") ? null : fields.group,
    };
    const others = unset.filter((key) => key !== "label" && key !== "group");
    const { label: _, group: __, ...lines } = fields;
    const isOfFile = others.length > 0 || Object.values(lines).some((value) => value !== undefined);
    const environment = await this.#environment(scope);
    const change = await this.#change(name, labels, scope, (standing) => {
      const change = isOfFile ? changedEntry(standing, name, fields, others) : { text: standing.text, entry: "" };
      if (!isOfFile) mustBeKnown(listAliases(null, environment), name);
      mustBeSaid(this.#files.settings, this.#files.readSettings(), name, unset);
      return change;
    });
    if (unset.includes("group")) this.#noteLists(name, scope);
    if (isOfFile) await this.#warn(name, scope);
    return change;
  }

  async remove(name: string, scope: CallScope): Promise<HostChange> {
    const text = this.#files.readConfig();
    // A proposal has neither, and what is said of the host it would change stays.
    const isProposal = proposalOf(this.#files.config, text, name) !== null;
    const labels = isProposal ? {} : { label: null, groups: null };
    const change = await this.#change(name, labels, scope, (standing) => removed(standing, name, isProposal));
    if (isProposal && hasEntry(this.#files.config, this.#files.readConfig(), name)) {
      scope.notice(`that was a proposed change: ${name} itself stays, and goes when this is said again`);
    }
    if (!isProposal) this.#noteLists(name, scope);
    return change;
  }

  async enable(name: string, scope: CallScope): Promise<HostChange> {
    const change = await this.#change(name, {}, scope, (standing) => enabled(standing, name));
    await this.#warn(name, scope);
    return change;
  }

  async initialize({ signal }: CallScope): Promise<Initialized> {
    const created: string[] = [];
    const kept: string[] = [];
    const files = [
      [this.#files.settings, settingsTemplate],
      [this.#files.config, ownFileTemplate],
    ] as const;
    await this.#files.alone(signal, async () => {
      for (const [path, text] of files) {
        const isNew = await this.#files.create(path, text);
        (isNew ? created : kept).push(path);
      }
    });
    return { created, kept, include: `Include ${this.#shownPath()}`, included: this.#isIncluded() };
  }

  /** Nothing of the caller's environment decides what is named. */
  async #environment(scope: CallScope): Promise<HostEnvironment> {
    const variables = { get: () => "x" };
    const { cwd } = scope.caller;
    const world = { home: homeDirectory(), cwd, localUser: localUser(), variables, ownFile: this.#files.config };
    return { ...world, ahead: await readAhead(null, world) };
  }

  /** Without the system's, which are read after ours. */
  #usersAliases(environment: HostEnvironment): readonly Alias[] {
    return listAliases(null, { ...environment, systemFile: "/dev/null" });
  }

  /** Makes the new texts, and writes them when both are fine. */
  #change(
    name: string,
    labels: LabelChange,
    scope: CallScope,
    make: (standing: Standing) => Change,
  ): Promise<HostChange> {
    const { config, settings } = this.#files;
    return this.#files.alone(scope.signal, async () => {
      const environment = await this.#environment(scope);
      const text = this.#files.readConfig();
      const change = make({ path: config, text, environment, aliases: this.#usersAliases(environment) });
      const said = this.#files.readSettings();
      const labelled = withLabels(settings, said, name, labels);
      if (labelled !== said) await this.#files.write(settings, labelled);
      if (change.text !== text) await this.#files.write(config, change.text);
      return { name, file: change.text === text ? settings : config, entry: change.entry, enable: null };
    });
  }

  /** Says which groups have the host in a list of their own, which nobody but a person edits. */
  #noteLists(name: string, scope: CallScope): void {
    const { settings } = this.#files;
    for (const listing of listingsOf(settings, this.#files.readSettings(), name)) {
      scope.notice(`${name} is still in ${listingText(settings, listing)}`);
    }
  }

  /** Says which options come from elsewhere than from the entry: what is said first wins. */
  async #warn(name: string, scope: CallScope): Promise<void> {
    try {
      for (const line of await othersWin(name, this.#files.config, scope)) scope.notice(line);
    } catch (error) {
      if (!(error instanceof SshMcpError) || error.code === "CANCELED") throw error;
      scope.notice(`the entry is written, but ${name} cannot be connected to like this: ${error.message}`);
    }
  }

  /** As people write it. */
  #shownPath(): string {
    const home = `${homeDirectory()}/`;
    return this.#files.config.startsWith(home) ? `~/${this.#files.config.slice(home.length)}` : this.#files.config;
  }

  #isIncluded(): boolean {
    const path = posix.join(homeDirectory(), ".ssh/config");
    const wanted = [this.#files.config, this.#shownPath()];
    return includedBy(path).some((word) => wanted.includes(word));
  }
}

const mustBeKnown = (aliases: readonly Alias[], name: string): void => {
  checkName(name);
  if (aliases.some((alias) => alias.name === name)) return;
  throw new SshMcpError("NOT_FOUND", `there is no host ${shown(name)}`, { hint: "ssh-mcp hosts ls" });
};

/** Words after the Include of a file; none when it cannot be read. */
const includedBy = (path: string): string[] => {
  try {
    const lines = readFileSync(path, "utf8").split("\n");
    return lines.flatMap((line) => {
      const lexed = lexLine(line, { file: path, line: 0 });
      return lexed?.keyword === "include" ? lexed.args : [];
    });
  } catch {
    return [];
  }
};
