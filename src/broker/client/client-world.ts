/** What is this process's own, and what the operation of a call may want of it: variables, the terminal, local files. */
import type { TerminalSize } from "../../core/call-scope.ts";
import { encodeControl, type VariablesRequest } from "../wire/protocol.ts";
import type { CallOptions } from "./call-options.ts";
import type { ServedFiles } from "./served-files.ts";

export interface ClientWorldOptions
  extends Pick<CallOptions, "input" | "caller" | "environment" | "terminal" | "local"> {
  call: number;
  send(bytes: Uint8Array): void;
  /** Told why the operation does not get what it wants. */
  fail(thrown: unknown): void;
}

export class ClientWorld {
  readonly #options: ClientWorldOptions;
  /** Loaded for the first one: few operations want any. */
  #files: Promise<ServedFiles> | null = null;
  #isClosed = false;

  constructor(options: ClientWorldOptions) {
    this.#options = options;
  }

  /** Tells those that are set, and none that was not asked for. */
  tellVariables({ request, names }: VariablesRequest): void {
    const { call, send, environment = {} } = this.#options;
    const set = (names ?? Object.keys(environment)).flatMap((name) => {
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
      return value === undefined ? [] : [[name, value] as const];
    });
    send(encodeControl(call, { kind: "variables", request, values: Object.fromEntries(set) }));
  }

  handOverTerminal(): void {
    void this.#handOverTerminal().catch((thrown) => this.#options.fail(thrown));
  }

  /** @param payload of a file frame: it wants one opened, or more of one */
  serveFile(payload: Uint8Array): void {
    if (this.#isClosed) return;
    this.#files ??= this.#openFiles();
    this.#files.then((files) => files.receive(payload)).catch((thrown) => this.#options.fail(thrown));
  }

  /** Closes what is open; no file is opened afterwards. */
  close(): void {
    this.#isClosed = true;
    this.#files?.then((files) => files.close()).catch(() => undefined);
  }

  async #handOverTerminal(): Promise<void> {
    const { call, send, terminal: handOver } = this.#options;
    const resized = (size: TerminalSize): void => send(encodeControl(call, { kind: "resize", ...size }));
    const terminal = (await handOver?.(resized)) ?? null;
    send(encodeControl(call, { kind: "terminal", terminal }));
  }

  async #openFiles(): Promise<ServedFiles> {
    const { call, input, caller, local, send } = this.#options;
    const { ServedFiles } = await import("./served-files.ts");
    return new ServedFiles({ call, input, caller, send, ...(local === undefined ? {} : { local }) });
  }
}
