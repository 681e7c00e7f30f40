/** Where the next page of a listing begins, as a word that says nothing to anybody else; nothing is kept for it anywhere. */
import { SshMcpError } from "../core/errors.ts";
import type { Place, Sorting } from "../core/files/listing.ts";

/** A page belongs to the order it was made in. */
interface Order {
  sort: Sorting;
  reverse: boolean;
}

export const tokenOf = ({ sort, reverse }: Order, { key, path }: Place): string =>
  Buffer.from(JSON.stringify([sort, reverse, key, path])).toString("base64url");

/** @throws SshMcpError INVALID_INPUT for what is no token, or one of another order */
export const placeOfToken = (token: string, order: Order): Place => {
  const [sort, reverse, key, path] = parsed(token);
  if (typeof key !== "number" || !Number.isFinite(key) || typeof path !== "string") throw noToken("is none");
  if (sort !== order.sort || reverse !== order.reverse) throw noToken("belongs to another order of the list");
  return { key, path };
};

const parsed = (token: string): unknown[] => {
  try {
    const value: unknown = JSON.parse(Buffer.from(token, "base64url").toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
};

const noToken = (why: string): SshMcpError =>
  new SshMcpError("INVALID_INPUT", `the token ${why}: take it from the page before`);
