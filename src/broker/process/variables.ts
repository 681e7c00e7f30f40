/** Questions of one call to the environment of the process that made it. */

import type { WantedVariables } from "../../core/call-scope.ts";
import type { SshMcpError } from "../../core/errors.ts";
import type { VariablesRequest } from "../wire/protocol.ts";

type Values = Readonly<Record<string, string>>;

export class Variables {
  readonly #send: (request: VariablesRequest) => void;
  readonly #asked = new Map<number, PromiseWithResolvers<Values>>();
  #next = 1;
  #failure: SshMcpError | null = null;

  constructor(send: (request: VariablesRequest) => void) {
    this.#send = send;
  }

  /** @throws SshMcpError CANCELED; TOO_LARGE for names that no frame holds */
  async ask(names: WantedVariables): Promise<Values> {
    if (this.#failure !== null) throw this.#failure;
    if (names !== "all" && names.length === 0) return {};
    const request = this.#next++;
    this.#send({ request, names: names === "all" ? null : [...names] });
    const asked = Promise.withResolvers<Values>();
    this.#asked.set(request, asked);
    return asked.promise;
  }

  /** An answer to nothing that is asked is dropped. */
  answer(request: number, values: Values): void {
    this.#asked.get(request)?.resolve(values);
    this.#asked.delete(request);
  }

  /** Rejects every open question, and those to come. */
  fail(error: SshMcpError): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
  }
}
