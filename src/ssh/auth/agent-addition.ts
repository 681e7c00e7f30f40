/** AddKeysToAgent: a key from a file that is about to sign is put into the agent, as ssh(1) does it. */

import type { AddKeysToAgent } from "../../config/ssh-config/resolved-host.ts";
import { escapeLine } from "../../core/escape.ts";
import type { Ask } from "../../core/question.ts";
import type { Agent } from "./agent.ts";
import type { PrivateKey } from "./private-key.ts";

export interface AdditionOptions {
  agent: Agent | null;
  wish: AddKeysToAgent;
  ask: Ask;
  /** For the question of mode `ask`. */
  destination: string;
  connectCommand: string;
  batchMode: boolean;
}

/** An agent that does not take it is no reason to fail. @throws SshMcpError CANCELED when the person gave up instead of answering */
export const addToAgent = async (key: PrivateKey, path: string, options: AdditionOptions): Promise<void> => {
  const { agent, wish } = options;
  if (agent === null || wish.mode === "no") return;
  if (wish.mode === "ask" && !(await isAllowed(key, path, options))) return;
  const lifetime = wish.lifetimeMs === null ? null : Math.min(0xffffffff, Math.ceil(wish.lifetimeMs / 1000));
  // As ssh(1) has it: `ssh-add -l` shows it.
  await agent.add(key, key.comment ?? path, { lifetime, confirm: wish.mode === "confirm" });
};

const isAllowed = async (
  { comment }: PrivateKey,
  path: string,
  { ask, destination, connectCommand, batchMode }: AdditionOptions,
): Promise<boolean> => {
  if (batchMode) return false;
  const what = comment === undefined ? path : `${path} (${comment})`;
  const text = `Add key ${escapeLine(what)} to agent? (yes/no) `;
  const wanted = "leave to add a key to the agent";
  try {
    const question = { text, echo: true, destination, wanted, connectCommand };
    const answer = await ask({ kind: "keyboard-interactive", ...question, asksLeave: true });
    return /^y(es)?$/i.test(answer.trim());
  } catch (error) {
    // Nobody is there to be asked.
    if ((error as { code?: unknown }).code === "AUTH_REQUIRED") return false;
    throw error;
  }
};
