import { placeOf } from "../core/place.ts";
import type { CallClient } from "./call.ts";
import { protectStdout } from "./protect-stdout.ts";
import type { ServeSettings } from "./serve-options.ts";
import { AgentServer } from "./server.ts";
import { StdioTransport } from "./stdio.ts";
import { standardOutput, type WriteText } from "./writer.ts";

/** How long what runs may take to stop, in milliseconds: the stop ladder, and the network to the last server. */
const graceMs = 6000;

/** SIGHUP too: a terminal that closes must not leave commands behind. */
const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

export interface ServeOptions {
  stdin?: ReadableStream<Uint8Array>;
  stdout?: WriteText;
  graceMs?: number;
  progressIntervalMs?: number;
  /** What the command line says. */
  settings?: ServeSettings;
}

/**
 * Serves MCP over stdio until the client goes: the end of stdin, a broken stdout, or a signal. What ran is canceled, and given
 * 6 s to stop. Prints nothing but protocol on stdout, from now on to the end of the process. Signals no longer end the
 * process by themselves: nothing of this is left that would keep it alive when the promise resolves.
 * @returns the exit status, always 0
 */
export const serve = async (client: CallClient, options: ServeOptions = {}): Promise<number> => {
  protectStdout();
  const transport = new StdioTransport(options.stdin ?? Bun.stdin.stream(), options.stdout ?? standardOutput());
  const agent = new AgentServer(client, {
    ...placeOf(process),
    environment: process.env,
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    ...(options.progressIntervalMs === undefined ? {} : { progressIntervalMs: options.progressIntervalMs }),
  });
  const signaled = Promise.withResolvers<void>();
  // Once asked to end, further signals change nothing: clients follow up with SIGTERM while the stop ladder is at work.
  for (const signal of signals) process.on(signal, signaled.resolve);

  await agent.server.connect(transport);
  await Promise.race([transport.ended, signaled.promise]);
  await atMost(options.graceMs ?? graceMs, Promise.all([agent.stop(), transport.idle()]));
  await agent.server.close();
  await client.close();
  return 0;
};

/** Leaves no timer behind, which would keep the process alive. */
const atMost = async (milliseconds: number, work: Promise<unknown>): Promise<void> => {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, milliseconds);
  await Promise.race([work, late.promise]);
  clearTimeout(timer);
};
