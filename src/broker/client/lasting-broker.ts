import type { Environment } from "../../files/paths.ts";
import type { OwnBroker } from "../process/open-local.ts";
import type { CallOptions } from "./call-options.ts";
import { RemoteBroker } from "./remote.ts";
import { withoutBroker } from "./without-broker.ts";

/**
 * The shared broker for a face that makes many calls, or one of our own for those that come while none can be: each of them is told so. The
 * shared one is looked for again at every call, as long as nothing runs or is connected in our own.
 */
export class LastingBroker {
  readonly #environment: Environment;
  #remote: RemoteBroker | null = null;
  #own: OwnBroker | null = null;
  /** Calls that our own has, or is about to get. */
  #ownCalls = 0;
  #why = "";

  constructor(environment: Environment) {
    this.#environment = environment;
  }

  /** Runs one operation. @throws SshMcpError as `RemoteBroker.call`, and as `openLocalBroker` */
  async call(options: CallOptions): Promise<unknown> {
    this.#remote ??= new RemoteBroker({ environment: this.#environment });
    if (await this.#isShared(this.#remote)) return await this.#remote.call(options);
    this.#ownCalls += 1;
    try {
      const { openLocalBroker } = await import("../process/open-local.ts");
      this.#own ??= openLocalBroker(this.#environment);
      options.notice?.(this.#why);
      return await this.#own.client.call(options);
    } finally {
      this.#ownCalls -= 1;
    }
  }

  async close(): Promise<void> {
    await Promise.all([this.#remote?.close(), this.#own?.close()]);
  }

  /** @throws SshMcpError as `RemoteBroker.connect`, except for LOCAL_IO */
  async #isShared(remote: RemoteBroker): Promise<boolean> {
    if (this.#isOwnInUse) return false;
    try {
      await remote.connect();
    } catch (thrown) {
      this.#why = withoutBroker(thrown, "this call ran without one, and its session ends with this server");
      return false;
    }
    if (this.#isOwnInUse) return true;
    void this.#own?.close();
    this.#own = null;
    return true;
  }

  get #isOwnInUse(): boolean {
    return this.#ownCalls > 0 || this.#own?.isInUse() === true;
  }
}
