/**
 * Which folders of this machine a client's calls may touch: those that a person gave to `serve`, else the roots that the client names (MCP
 * 2025-11-25, "Roots"). Where there are neither, none.
 */
import type { Server } from "@modelcontextprotocol/sdk/server/index.js";
import { RootsListChangedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import type { CallOptions } from "../broker/client/client.ts";
import { SshMcpError } from "../core/errors.ts";
import { shown } from "../core/escape.ts";
import { parseOperand } from "../core/files/operand.ts";
import type { Operation } from "../core/operation.ts";
import type { ServeSettings } from "./serve-options.ts";

type LocalPolicy = NonNullable<CallOptions["local"]>;

/** A client that does not answer has nobody behind it who would name any. */
const answerMs = 10_000;

export class LocalRoots {
  readonly #server: Server;
  readonly #settings: ServeSettings;
  /** What the client said last; null when it is to be asked. */
  #known: Promise<readonly string[]> | null = null;

  /** @param server not connected yet */
  constructor(server: Server, settings: ServeSettings) {
    this.#server = server;
    this.#settings = settings;
    server.setNotificationHandler(RootsListChangedNotificationSchema, () => {
      this.#known = null;
    });
  }

  /**
   * What a call may touch. The client is asked only where the call names something on this machine.
   * @throws SshMcpError POLICY_DENIED when that is no folder at all
   */
  async policy(operation: Operation, input: unknown): Promise<LocalPolicy> {
    const { secretsAllowed } = this.#settings;
    const path = operation.targets === undefined ? null : localOperand(input);
    if (path === null) return { roots: [], secretsAllowed };
    const roots = this.#settings.localRoots ?? (await this.#asked());
    if (roots.length === 0) throw closed(path, this.#namesRoots);
    return { roots, secretsAllowed };
  }

  get #namesRoots(): boolean {
    return this.#server.getClientCapabilities()?.roots !== undefined;
  }

  #asked(): Promise<readonly string[]> {
    if (!this.#namesRoots) return Promise.resolve([]);
    if (this.#known !== null) return this.#known;
    const asked = this.#ask();
    // Who does not say when they change is asked every time.
    if (this.#server.getClientCapabilities()?.roots?.listChanged === true) {
      this.#known = asked;
      asked.catch(() => {
        if (this.#known === asked) this.#known = null;
      });
    }
    return asked;
  }

  async #ask(): Promise<readonly string[]> {
    try {
      const { roots } = await this.#server.listRoots(undefined, { timeout: answerMs });
      return roots.flatMap(({ uri }) => pathOf(uri) ?? []);
    } catch (cause) {
      throw new SshMcpError("POLICY_DENIED", "the client did not say which folders of this machine it opens", {
        hint: personsWay,
        retryable: true,
        cause,
      });
    }
  }
}

/** "MUST be a file:// URI in the current specification". One with a host names another machine's. */
const pathOf = (uri: string): string | null => {
  try {
    const path = uri.startsWith("file://") ? Bun.fileURLToPath(uri) : "";
    return path.startsWith("/") && !path.includes("\0") ? path : null;
  } catch {
    return null;
  }
};

/** The first operand that is a path here; null for none. What is no operand, the operation refuses. */
const localOperand = (input: unknown): string | null => {
  const { sources, destination } = (input ?? {}) as { sources?: unknown; destination?: unknown };
  const words = [sources, destination].flat().filter((word) => typeof word === "string");
  return words.find(isLocal) ?? null;
};

const isLocal = (word: string): boolean => {
  try {
    return parseOperand(word).kind === "local";
  } catch {
    return false;
  }
};

const personsWay = "a person starts it with: ssh-mcp serve --local-root DIRECTORY";

const closed = (path: string, namesRoots: boolean): SshMcpError => {
  const why = namesRoots ? "names no root" : "names no roots";
  return new SshMcpError(
    "POLICY_DENIED",
    `${shown(path)} is on this machine, and no folder of it is open: this client ${why}`,
    { hint: `the client names roots (MCP roots/list), or ${personsWay}; TARGET:PATH on both sides works as it is` },
  );
};
