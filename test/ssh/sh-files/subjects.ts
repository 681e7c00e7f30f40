import type { RemoteFiles } from "../../../src/core/files/remote-files.ts";
import { ShFiles } from "../../../src/ssh/sh-files/sh-files.ts";
import { sftpMachine } from "../../support/sftp-process.ts";
import { tempDir } from "../../support/temp.ts";
import { localRun, localShells } from "./local-run.ts";

export interface Subject {
  name: string;
  files: RemoteFiles;
  /** Programs that were run so far; 0 for SFTP. */
  programs: () => number;
  home: string;
}

/** What has to behave the same: each shell and userland of this machine, and OpenSSH's SFTP. */
export const subjects = async (): Promise<Subject[]> => {
  const shells = localShells(tempDir("tools")).map((shell) => {
    const home = tempDir("home");
    const run = localRun(shell, home);
    return { name: shell.name, files: new ShFiles({ run, where: "db1" }), programs: () => run.count, home };
  });
  const { files, home } = await sftpMachine();
  return [...shells, { name: "sftp", files, programs: () => 0, home }];
};

export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export async function* given(...chunks: (string | Uint8Array)[]): AsyncGenerator<Uint8Array, void, void> {
  for (const chunk of chunks) yield typeof chunk === "string" ? bytesOf(chunk) : chunk;
}

export const content = async (
  files: RemoteFiles,
  path: string,
  offset = 0,
  length: number | null = null,
): Promise<Buffer> => {
  const file = await files.open(path);
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of file.read(offset, length)) chunks.push(Uint8Array.from(chunk));
    return Buffer.concat(chunks);
  } finally {
    file.close();
  }
};

export const listed = async (files: RemoteFiles, path: string): Promise<string[]> => {
  const names: string[] = [];
  for await (const batch of files.list(path)) for (const { name } of batch) names.push(name);
  return names.sort();
};

/** The code that something fails with, or what it came to. */
export const codeOf = async (work: Promise<unknown>): Promise<unknown> => {
  try {
    return await work;
  } catch (error) {
    return (error as { code?: unknown }).code ?? error;
  }
};
