/**
 * Whether the text is an IPv6 literal (RFC 4291, section 2.2), with an optional zone (`fe80::1%eth0`, RFC 4007, section
 * 11). Written out because this folder imports nothing; node:net, the oracle of its test, costs 4 ms at start.
 */
export const isIpv6 = (text: string): boolean => {
  const [, address = "", zone] = /^([^%]*)(?:%(.*))?$/s.exec(text) ?? [];
  if (zone !== undefined && !/^[A-Za-z0-9._~-]+$/.test(zone)) return false;
  const sides = address.split("::");
  if (sides.length > 2) return false;
  let groups = 0;
  for (const [index, side] of sides.entries()) {
    const count = countGroups(side, index === sides.length - 1);
    if (count === null) return false;
    groups += count;
  }
  // `::` stands for at least one group of zeros.
  return sides.length === 2 ? groups <= 7 : groups === 8;
};

/**
 * Groups of 16 bits on one side of `::`, or null when it is malformed. The
 * address may end in an IPv4 one, which counts 2.
 */
const countGroups = (side: string, last: boolean): number | null => {
  if (side === "") return 0;
  const groups = side.split(":");
  const tail = groups.at(-1) ?? "";
  const dotted = last && isIpv4(tail);
  const hex = dotted ? groups.slice(0, -1) : groups;
  if (!hex.every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return null;
  return hex.length + (dotted ? 2 : 0);
};

const isIpv4 = (text: string): boolean => {
  const parts = text.split(".");
  return parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255);
};
