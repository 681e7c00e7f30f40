import { SshMcpError } from "../../core/errors.ts";
import { shown } from "../../core/escape.ts";

/** Who writes which file: its part has one name, and two writers would end in a mixture of both. */
export class Writers {
  readonly #paths = new Set<string>();

  /**
   * @param path as it really is there, without links
   * @throws SshMcpError PRECONDITION_FAILED where another transfer of this broker writes it
   */
  async alone<T>(server: string, path: string, write: () => Promise<T>): Promise<T> {
    const key = `${server}\0${path}`;
    if (this.#paths.has(key)) {
      throw new SshMcpError("PRECONDITION_FAILED", `${shown(path)} on ${server} is being written by another transfer`);
    }
    this.#paths.add(key);
    try {
      return await write();
    } finally {
      this.#paths.delete(key);
    }
  }
}
