import type { CommandResult } from "../../core/command.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { RemoteMachine, RemoteProgram } from "../../core/files/remote-files.ts";
import type { Sink } from "../../core/sink.ts";

/** Keeps the first bytes of what a program says. */
export class Collected implements Sink {
  readonly #most: number;
  readonly #parts: Uint8Array[] = [];
  #length = 0;

  /** @param most bytes that are kept */
  constructor(most: number) {
    this.#most = most;
  }

  async write(chunk: Uint8Array): Promise<void> {
    const part = chunk.slice(0, this.#most - this.#length);
    this.#length += part.length;
    if (part.length > 0) this.#parts.push(part);
  }

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  bytes(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  text(): string {
    return new TextDecoder().decode(this.bytes());
  }
}

/**
 * @throws SshMcpError CONNECTION_LOST or CANCELED when nobody knows how it went; and as `RemoteMachine.run`
 */
export const ended = (machine: RemoteMachine, { outcome, reason }: CommandResult): void => {
  if (outcome === "unknown") {
    throw new SshMcpError(
      "CONNECTION_LOST",
      reason ?? `the connection to ${machine.name} was lost in the middle of a transfer`,
    );
  }
  if (outcome === "canceled") throw new SshMcpError("CANCELED", reason ?? "the transfer was canceled");
};

/**
 * What a short program printed.
 * @returns null where the server has no sh
 * @throws SshMcpError as `ended`
 */
export const printed = async (
  machine: RemoteMachine,
  script: RemoteProgram["script"],
  most: number,
): Promise<Uint8Array | null> => {
  const stdout = new Collected(most);
  try {
    ended(machine, await machine.run({ script, stdout, timeoutMs: null }));
  } catch (thrown) {
    if (thrown instanceof SshMcpError && thrown.code === "UNSUPPORTED") return null;
    throw thrown;
  }
  return stdout.bytes();
};
