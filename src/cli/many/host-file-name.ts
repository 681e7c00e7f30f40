/** A name of a target that is nothing but a name to every file system: no path, no hidden file, no option of a command. Pure. */

/** Bytes: with a suffix within the 255 that file systems take. */
const longest = 200;
const encoder = new TextEncoder();

/**
 * Letters, digits and `. _ @ : + -` stay; every other byte, and a dot or dash in front, is written `%2F` as in a URI. No two targets have the same
 * one, but for capitals on a disk that tells them not.
 */
export const hostFileName = (target: string): string => {
  const bytes = [...encoder.encode(target)];
  const name = bytes
    .map((byte, at) => {
      const character = String.fromCharCode(byte);
      const stays = at === 0 ? /[A-Za-z0-9_@:+]/ : /[A-Za-z0-9._@:+-]/;
      return stays.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
  if (name.length <= longest) return name;
  const digest = new Bun.CryptoHasher("sha256").update(target).digest("hex").slice(0, 16);
  return `${name.slice(0, longest - 17)}-${digest}`;
};
