import type { CallOptions } from "../../src/broker/client/client.ts";
import { SshMcpError } from "../../src/core/errors.ts";
import type { CallClient } from "../../src/mcp/call.ts";

/** The result of an exec that went well, with what the test says differently. */
export const execResult = (facts: Record<string, unknown> = {}): Record<string, unknown> => ({
  target: "web",
  stdout: "",
  stderr: "",
  exitCode: 0,
  signal: null,
  outcome: "exited",
  reason: null,
  durationMs: 12,
  stdoutBytes: 0,
  stderrBytes: 0,
  truncated: false,
  stopped: null,
  outputId: null,
  binary: null,
  jobId: null,
  hosts: null,
  ...facts,
});

/** A call as the broker's client saw it, to be answered when the test likes. */
export interface FakeCall {
  options: CallOptions;
  resolve(value: unknown): void;
  reject(thrown: unknown): void;
}

/** Stands in for the broker's client: what it was asked is read from `calls`, and answered by hand or by `answer`. */
export class FakeClient implements CallClient {
  readonly calls: FakeCall[] = [];

  /** @param answer answers at once with what it returns; undefined leaves the call open */
  constructor(readonly answer: (options: CallOptions) => unknown = () => undefined) {}

  async call(options: CallOptions): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.calls.push({ options, resolve, reject });
    const value = this.answer(options);
    if (value instanceof SshMcpError) reject(value);
    else if (value !== undefined) resolve(value);
    return promise;
  }

  close(): void {}
}
