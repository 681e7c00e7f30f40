/** `Match localnetwork` of ssh_config(5): whether this machine has an address in one of some networks. */
import { networkInterfaces } from "node:os";

/** A network in CIDR notation. */
export interface Network {
  /** The address bits that count, in front of the others, which are 0. */
  bits: string;
  length: 32 | 128;
}

/** @returns null when one of the comma list is no network, or has bits set behind its mask, as in ssh */
export const parseNetworks = (list: string): Network[] | null => {
  const networks = list.split(",").map(parseNetwork);
  return networks.some((one) => one === null) ? null : networks.filter((one) => one !== null);
};

/** @param addresses default: those of this machine's interfaces */
export const isLocalNetwork = (networks: readonly Network[], addresses = ownAddresses()): boolean =>
  addresses
    .map(bitsOf)
    .some((own) => own !== null && networks.some(({ bits, length }) => own.length === length && own.startsWith(bits)));

const ownAddresses = (): string[] =>
  Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));

const parseNetwork = (text: string): Network | null => {
  const [address = "", mask, extra] = text.split("/");
  const bits = bitsOf(address);
  if (bits === null || extra !== undefined) return null;
  const length = bits.length === 32 ? 32 : 128;
  if (mask !== undefined && !/^\d{1,3}$/.test(mask)) return null;
  const prefix = mask === undefined ? length : Number(mask);
  if (prefix > length || bits.slice(prefix).includes("1")) return null;
  return { bits: bits.slice(0, prefix), length };
};

/** All bits of an address, as text; a scope is left out. Null for anything else. */
const bitsOf = (address: string): string | null => {
  const four = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number);
  if (four !== undefined) {
    return four.some((part) => part > 255) ? null : four.map((part) => part.toString(2).padStart(8, "0")).join("");
  }
  const plain = address.replace(/%.*$/s, "");
  const url = /^[\da-f:.]+$/i.test(plain) && plain.includes(":") ? URL.parse(`http://[${plain}]/`) : null;
  if (url === null) return null;
  const [head = "", tail] = url.hostname.slice(1, -1).split("::");
  const groups = (text: string): string[] => (text === "" ? [] : text.split(":"));
  const front = groups(head);
  const back = groups(tail ?? "");
  const zeros = tail === undefined ? 0 : 8 - front.length - back.length;
  return [...front, ...Array<string>(zeros).fill("0"), ...back]
    .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0"))
    .join("");
};
