/** Sessions to servers of every kind, for what works on their files. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SessionRegistry } from "../../../../src/broker/sessions/session-registry.ts";
import type { CallScope } from "../../../../src/core/call-scope.ts";
import type { RemoteFiles, RemoteMachine } from "../../../../src/core/files/remote-files.ts";
import type { FilesRequest } from "../../../../src/core/session.ts";
import type { KeyPair } from "../../../support/keys.ts";
import { tempDir } from "../../../support/temp.ts";
import { callOf, named, requestFor } from "../sessions.ts";

/** An ssh_config that names servers, and logs in with a key. */
export const configFor = (servers: Readonly<Record<string, { user: string; port: number }>>, key: KeyPair): string => {
  const config = join(tempDir("config"), "config");
  const hosts = Object.entries(servers).map(
    ([name, { user, port }]) =>
      `Host ${name}\n  HostName 127.0.0.1\n  Port ${port}\n  User ${user}\n  IdentityFile ${key.path}\n  StrictHostKeyChecking no\n  UserKnownHostsFile /dev/null\n`,
  );
  writeFileSync(config, hosts.join(""), { mode: 0o600 });
  return config;
};

export const connectTo = (registry: SessionRegistry, config: string, name: string, call = callOf()) =>
  registry.open(requestFor(name, { configFile: config, options: [], lent: true }), call);

export const plainFiles: FilesRequest = { label: "files", become: null, timeoutMs: null };

/** One call on the files of a session. */
export const filesOf = async <T>(
  registry: SessionRegistry,
  name: string,
  use: (files: RemoteFiles, machine: RemoteMachine) => Promise<T>,
  call: CallScope = callOf(),
  request: Partial<FilesRequest> = {},
): Promise<T> =>
  (await registry.use(named(name), call)).files({ ...plainFiles, ...request }, call, (machine) =>
    use(machine.files, machine),
  );

/** All of a file. */
export const contentOf = async (files: RemoteFiles, path: string): Promise<string> => {
  const file = await files.open(path);
  try {
    const [, ...chunks] = await Promise.all([file.facts(), collected(file.read(0, null))]);
    return chunks.join("");
  } finally {
    file.close();
  }
};

const collected = async (chunks: AsyncIterable<Uint8Array>): Promise<string> => {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all).toString();
};

export async function* bytesOf(...texts: string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}

/** Standard output of a program. */
export const ranOn = async (
  machine: RemoteMachine,
  script: string,
  stdin?: AsyncIterable<Uint8Array>,
  onStdout = () => {},
) => {
  let stdout = "";
  const write = async (chunk: Uint8Array): Promise<void> => {
    stdout += Buffer.from(chunk).toString("latin1");
    onStdout();
  };
  const result = await machine.run({
    script,
    stdout: { write },
    timeoutMs: null,
    ...(stdin === undefined ? {} : { stdin }),
  });
  return { ...result, stdout };
};
