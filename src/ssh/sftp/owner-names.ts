/** users-groups-by-id@openssh.com: OpenSSH's file PROTOCOL, section 4.12. */
import { pathText } from "../../core/files/path-text.ts";
import type { OwnerNames } from "../../core/files/remote-files.ts";
import { WireReader } from "../wire-reader.ts";
import { Malformed } from "./malformed.ts";
import { packetType } from "./packet-types.ts";
import { type ReplyReader, readExtended } from "./replies.ts";
import type { SftpClient } from "./sftp-client.ts";

const extension = "users-groups-by-id@openssh.com";
/** Of users, and of groups, in one request. */
const mostIds = 1024;
const longestName = 256;

/** Those that the server has a name for; none where it cannot be asked, and none beyond the first 1024. */
export const ownerNames = async (
  client: SftpClient,
  uids: readonly number[],
  gids: readonly number[],
): Promise<OwnerNames> => {
  const [users, groups] = [uids.slice(0, mostIds), gids.slice(0, mostIds)];
  if (!client.offers(extension) || users.length + groups.length === 0) return { users: new Map(), groups: new Map() };
  const name = Buffer.from(extension);
  return await client.ask(
    packetType.extended,
    (writer) => writer.string(name).string(packed(users)).string(packed(groups)),
    readNames(users, groups),
  );
};

const packed = (ids: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(4 * ids.length);
  for (const [at, id] of ids.entries()) bytes.writeUInt32BE(id >>> 0, 4 * at);
  return bytes;
};

const readNames =
  (uids: readonly number[], gids: readonly number[]): ReplyReader<OwnerNames> =>
  (packet) => {
    const reader = readExtended(packet);
    const [users, groups] = [reader.string(), reader.string()];
    if (reader.isCut) throw new Malformed("names of users that end too early");
    return { users: namesIn(users, uids), groups: namesIn(groups, gids) };
  };

/** One for each id, empty where there is none. */
const namesIn = (bytes: Buffer, ids: readonly number[]): Map<number, string> => {
  const reader = new WireReader(bytes, 0);
  const names = new Map<number, string>();
  for (const id of ids) {
    const name = reader.string();
    if (reader.isCut) throw new Malformed("fewer names of users than were asked for");
    if (name.length > 0 && name.length <= longestName) names.set(id, pathText(name));
  }
  return names;
};
