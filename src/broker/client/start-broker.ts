/** The broker as a process that outlives its starter, and what it says of its start. */
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import type { Environment } from "../../files/paths.ts";
import { childEnvironment, selfCommand } from "../../files/self.ts";
import { parseStart } from "../wire/replies.ts";

/** From the spawn to its one line. */
const readyLimitMs = 10_000;
/** Its error, with room. */
const longestLine = 64 * 1024;
/**
 * How JavaScriptCore collects in a broker. By itself it goes by what memory the machine has: a gigabyte streamed grew the process by 200 MB, which stayed.
 * So garbage comes to 0.6 of what is alive, on any machine: at 0.25 the collector was the largest part of every copy, at 1 a stream of gigabytes grew it by
 * 85 MB. What is copied into files does not wait for it, see `giveUp`.
 */
const collection = { BUN_JSC_forceRAMSize: String(1024 * 1024 * 1024), BUN_JSC_smallHeapGrowthFactor: "1.6" };

/**
 * Starts a broker process for the place that the environment says; resolves when it is ready, or found another one ready.
 * It has a session of its own, the folder `/`, no terminal and none of our files: nobody waits for it, and no signal of a terminal ends it.
 * @throws SshMcpError what the broker said that keeps it from starting; BROKER_UNAVAILABLE when it said nothing
 */
export const startBroker = async (environment: Environment): Promise<void> => {
  const child = spawn(environment);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill("SIGKILL");
  }, readyLimitMs);
  try {
    const line = await firstLine(child.stdout);
    if (line === "")
      throw notStarted(late ? `said nothing for ${readyLimitMs / 1000}s` : `ended with status ${await child.exited}`);
    const error = parseStart(JSON.parse(line));
    if (error !== null) throw error;
  } catch (thrown) {
    child.kill("SIGKILL");
    throw thrown instanceof SyntaxError
      ? notStarted("said something else than that it is ready")
      : toSshMcpError(thrown);
  } finally {
    clearTimeout(timer);
    child.unref();
  }
};

const spawn = (environment: Environment) => {
  try {
    return Bun.spawn(selfCommand("broker", "run"), {
      cwd: "/",
      detached: true,
      env: { ...childEnvironment(environment), ...collection },
      stdin: "ignore",
      stdout: "pipe",
      stderr: "ignore",
    });
  } catch (cause) {
    throw new SshMcpError("BROKER_UNAVAILABLE", `the broker cannot be started (${toSshMcpError(cause).message})`, {
      hint: "ssh-mcp --no-broker …",
      cause,
    });
  }
};

/** @returns what came before the line's end, or everything when it never came */
const firstLine = async (stream: ReadableStream<Uint8Array>): Promise<string> => {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    text += decoder.decode(bytes, { stream: true });
    if (text.includes("\n") || text.length > longestLine) break;
  }
  return text.split("\n", 1).join("");
};

const notStarted = (how: string): SshMcpError =>
  // In the foreground it shows what happens to it.
  new SshMcpError("BROKER_UNAVAILABLE", `the broker was started and ${how}`, { hint: "ssh-mcp broker run" });
