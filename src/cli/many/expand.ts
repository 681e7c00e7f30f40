/** From a list with groups to hosts: config.toml is the broker's to read. */
import { typedHost } from "../../core/destination.ts";
import { placeOf } from "../../core/place.ts";
import { expandTargets } from "../../core/targets.ts";
import type { Broker, World } from "../world.ts";

interface ListedHosts {
  hosts: { name: string; enabled: boolean }[];
  members: string[] | null;
}

/**
 * @param list names and groups, with commas
 * @throws SshMcpError NOT_FOUND for a group that there is not, or a list without a host; USAGE, CONFIG_INVALID
 */
export const expandIn = (list: string, broker: Broker, world: World): Promise<string[]> =>
  expandTargets(list, async (group) => (await listed(group, broker, world)).members ?? []);

/**
 * The same, without the members of groups that no file of ssh_config names: what is opened and kept should be a host that somebody has described.
 * @returns also those that were passed over
 */
export const expandNamed = async (
  list: string,
  broker: Broker,
  world: World,
): Promise<{ targets: string[]; passedOver: string[] }> => {
  const passedOver: string[] = [];
  const targets = await expandTargets(list, async (group) => {
    const { hosts, members } = await listed(group, broker, world);
    const named = hosts.filter(({ enabled }) => enabled).map(({ name }) => name);
    passedOver.push(...(members ?? []).filter((member) => !named.includes(member)));
    return named;
  });
  return { targets, passedOver: [...new Set(passedOver)].filter((name) => !targets.includes(name)) };
};

/** The same, for what a session is asked: those to hosts of a group, whatever they are called; a host without one stays, to be told of. */
export const expandSessions = (list: string, broker: Broker, world: World): Promise<string[]> =>
  expandTargets(list, async (group) => {
    const { members } = await listed(group, broker, world);
    const { sessions } = (await read("sessions", {}, broker, world)) as ListedSessions;
    return (members ?? []).flatMap((member) => {
      const own = sessions.filter(({ destination }) => destination === member || typedHost(destination) === member);
      return own.length === 0 ? [member] : own.map(({ name }) => name);
    });
  });

interface ListedSessions {
  sessions: { name: string; destination: string }[];
}

const listed = async (group: string, broker: Broker, world: World): Promise<ListedHosts> =>
  (await read("hosts", { filter: [`@${group}`] }, broker, world)) as ListedHosts;

const read = (operation: string, input: object, { client }: Broker, world: World): Promise<unknown> =>
  client.call({
    ...{ operation, input },
    caller: { face: "cli", client: "cli", ...placeOf(world) },
    capture: null,
    repeatable: true,
    environment: world.env,
  });
