import type { CallToolResult } from "@modelcontextprotocol/sdk/types.js";
import type { CallOptions } from "../broker/client/client.ts";
import { SshMcpError, toSshMcpError } from "../core/errors.ts";
import type { Caller, Operation } from "../core/operation.ts";
import { defaultCaptureLimit } from "../core/output.ts";
import { toolError, toolResult, withNotices } from "./result.ts";

/** What the agent face needs of the broker's client. */
export interface CallClient {
  call(options: CallOptions): Promise<unknown>;
  close(): void | Promise<void>;
}

export interface ToolCall {
  operation: Operation;
  input: unknown;
  caller: Caller;
  /** Stops what runs, by the stop ladder; the call settles when that is over. */
  signal: AbortSignal;
  /** Told what the operation says of its progress; null when the client did not ask. */
  onProgress: ((message: string) => void) | null;
  /** Where ssh_config's `${NAME}` is looked up; only what is asked for is sent. */
  environment: NonNullable<CallOptions["environment"]>;
  /** What it may touch on this machine. Rejects where that is nothing, and it names something. */
  local(): Promise<NonNullable<CallOptions["local"]>>;
}

/**
 * Runs one tool call and makes its answer; never rejects. The input goes on as it came: one dispatch validates for every face.
 * stdin is empty, and there is no way to ask: a call that needs a person fails and says what that person types.
 */
export const callTool = async (client: CallClient, tool: ToolCall): Promise<CallToolResult> => {
  const { operation, input, caller, signal, onProgress, environment, local } = tool;
  const notices: string[] = [];
  try {
    if (signal.aborted) throw new SshMcpError("CANCELED", `${operation.tool} was canceled before it began`);
    const value = await client.call({
      operation: operation.name,
      repeatable: operation.idempotent || operation.effectOf?.(Object(input)) === "read",
      input,
      caller,
      capture: defaultCaptureLimit,
      signal,
      environment,
      local: await local(),
      notice: (message) => notices.push(message),
      ...(onProgress === null ? {} : { progress: (_elapsedMs, message) => onProgress(message) }),
    });
    return withNotices(toolResult(operation, value), notices);
  } catch (thrown) {
    return withNotices(toolError(toSshMcpError(thrown)), notices);
  }
};
