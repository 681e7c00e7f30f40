/** `ssh-mcp serve` over a fake broker client, for tests of the process itself: `bun serve-entry.ts [GRACE_MS]`. */
import { SshMcpError } from "../../src/core/errors.ts";
import { serve } from "../../src/mcp/serve.ts";
import { execResult, FakeClient } from "./fake-client.ts";

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** What a command does, by its name. */
const commands: Record<string, (signal: AbortSignal) => Promise<unknown>> = {
  true: async () => execResult(),
  large: async () => execResult({ stdout: "x".repeat(1024 * 1024), stdoutBytes: 1024 * 1024 }),
  hang: (signal) =>
    new Promise((_, reject) => {
      say("started");
      signal.addEventListener("abort", () => {
        say("canceled");
        // The stop ladder takes its time.
        setTimeout(() => {
          say("stopped");
          reject(new SshMcpError("CANCELED", "exec was canceled"));
        }, 100);
      });
    }),
  stubborn: () => {
    say("started");
    return new Promise(() => {});
  },
  stray: async () => {
    const { log, table, info } = console;
    log("stray console.log");
    table([{ stray: 1 }]);
    info("stray console.info");
    process.stdout.write("stray process.stdout.write\n");
    return execResult();
  },
};

class CommandClient extends FakeClient {
  override async call(options: Parameters<FakeClient["call"]>[0]): Promise<unknown> {
    const { command } = options.input as { command: string };
    const { signal } = options;
    const run = commands[command];
    if (run === undefined || signal === undefined) throw new SshMcpError("INVALID_INPUT", `no command ${command}`);
    return run(signal);
  }

  override close(): void {
    say("closed");
  }
}

const [graceMs] = process.argv.slice(2);
const status = await serve(new CommandClient(), graceMs === undefined ? {} : { graceMs: Number(graceMs) });
say(`status ${status}`);
process.exitCode = status;
