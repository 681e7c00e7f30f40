/** What can be said of a key's passphrase before it is kept: whether the key takes one, and whether it is this one. */
import { SshMcpError } from "../../core/errors.ts";
import { isThere } from "../../files/is-there.ts";
import { pathToType } from "../../files/process-path.ts";
import { decryptKey, type EncryptedKeyFile, invalidKey, readKeyFile } from "../../ssh/auth/key-file.ts";

/** @throws SshMcpError KEY_INVALID for a file that cannot be read, and for one that takes no passphrase */
export const readEncryptedKey = async (path: string): Promise<EncryptedKeyFile> => {
  const file = await readKeyFile(path);
  if (file.kind === "encrypted") return file;
  if (file.kind === "private") {
    const hint = `ssh-keygen -p -f ${pathToType(path, "KEY")}`;
    throw invalidKey(path, "it is not encrypted, and takes no passphrase", undefined, hint);
  }
  const other = path.replace(/\.pub$/, "");
  const hint = other !== path && (await isThere(other)) ? setCommand(other) : undefined;
  throw invalidKey(path, file.why ?? "it holds a public key alone, which takes no passphrase", undefined, hint);
};

/** @throws SshMcpError KEY_INVALID for a passphrase that does not open it, CANCELED */
export const mustOpen = async (file: EncryptedKeyFile, passphrase: string, signal: AbortSignal): Promise<void> => {
  if ((await decryptKey(file, passphrase, signal)) !== null) return;
  throw new SshMcpError("KEY_INVALID", "the passphrase does not fit the key; nothing was kept", {
    hint: setCommand(file.path),
  });
};

const setCommand = (path: string): string => `ssh-mcp secret set --key ${pathToType(path, "KEY")}`;
