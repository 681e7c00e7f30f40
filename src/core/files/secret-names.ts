/** Files of this machine that a model neither reads nor writes unless a person allows it: by their names, and by how they begin. */

/** Wherever they lie, for a home directory may be copied anywhere. */
const directories: ReadonlySet<string> = new Set([
  ".ssh",
  ".ssh-mcp",
  ".gnupg",
  ".aws",
  ".azure",
  ".kube",
  ".oci",
  ".password-store",
]);
/** Below a directory of the first name. */
const below: Readonly<Record<string, ReadonlySet<string>>> = {
  ".config": new Set(["gcloud", "gh", "op", "sops", "rclone"]),
  ".docker": new Set(["config.json"]),
  ".cargo": new Set(["credentials", "credentials.toml"]),
  ".gem": new Set(["credentials"]),
  ".m2": new Set(["settings.xml", "settings-security.xml"]),
  ".terraform.d": new Set(["credentials.tfrc.json"]),
};
const files: ReadonlySet<string> = new Set([
  ".env",
  ".netrc",
  "_netrc",
  ".pgpass",
  ".my.cnf",
  ".git-credentials",
  ".htpasswd",
  ".envrc",
  ".npmrc",
  ".pypirc",
  ".vault-token",
  ".s3cfg",
  ".boto",
  "kubeconfig",
  "application_default_credentials.json",
]);
const patterns = [/^\.env\./, /^id_(?!.*\.pub$)/, /\.(pem|key|p12|pfx|ppk|jks|keystore|kdbx|kubeconfig|tfstate|env)$/];

/**
 * The name among those of a path, whichever stands first, that makes it secret; null for none. Upper and lower case are the same,
 * and so are the forms of Unicode: they are to some file systems.
 * @param names from some directory on, outermost first
 */
export const secretName = (names: readonly string[]): string | null => {
  for (const [index, name] of names.entries()) {
    const plain = folded(name);
    const parent = folded(names[index - 1] ?? "");
    const inParent = Object.hasOwn(below, parent) && below[parent]?.has(plain) === true;
    if (directories.has(plain) || files.has(plain) || inParent) return name;
    if (patterns.some((pattern) => pattern.test(plain))) return name;
  }
  return null;
};

/** What most names are: nothing but case tells them apart. */
const ascii = /^[\x20-\x7e]*$/;
/** A file system that takes two Unicode forms for one may look over these. */
const ignorable = /\p{Default_Ignorable_Code_Point}/gu;

/** The same for all names that some file system takes for one. */
const folded = (name: string): string =>
  ascii.test(name)
    ? name.toLowerCase()
    : name.normalize("NFKD").replace(ignorable, "").toUpperCase().toLowerCase().normalize("NFKD");

/** Of a home, by where they lie, which neither a link nor another name hides. */
export const secretPlaces: readonly string[] = [
  ...directories,
  ...files,
  ...Object.entries(below).flatMap(([parent, names]) => [...names].map((name) => `${parent}/${name}`)),
];

/** Bytes of a file's begin that say whether a private key is in it. */
export const keyHeadLength = 512;

const keyHead = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY( BLOCK)?-----|^PuTTY-User-Key-File-\d|^AGE-SECRET-KEY-1/m;
const decoder = new TextDecoder("latin1");

/** @param head its first bytes, `keyHeadLength` of them where there are as many */
export const beginsAsKey = (head: Uint8Array): boolean => keyHead.test(decoder.decode(head.subarray(0, keyHeadLength)));
