/** One look into the keychain, as a process: work as JSON on standard input, the reply as JSON on standard output. See `logins/keychain.ts`. */
import { writeSync } from "node:fs";
import type { KeychainReply, KeychainWork } from "../logins/keychain.ts";

/** What its entries are filed under, whoever lists them. */
const service = "ssh-mcp";

export const runKeychain = async (): Promise<number> => {
  const work = JSON.parse(await Bun.stdin.text()) as KeychainWork;
  const reply = await done(work).catch((thrown: unknown): KeychainReply => ({ error: messageOf(thrown) }));
  // It fits a pipe, which nobody else writes to.
  writeSync(1, JSON.stringify(reply));
  return 0;
};

const done = async (work: KeychainWork): Promise<KeychainReply> => {
  const entry = { service, name: work.account };
  switch (work.work) {
    case "get":
      return { secret: await Bun.secrets.get(entry) };
    case "set":
      await Bun.secrets.set({ ...entry, value: work.secret });
      return { secret: null };
    case "remove":
      return { removed: await Bun.secrets.delete(entry) };
  }
};

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
