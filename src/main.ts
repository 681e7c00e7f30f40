/**
 * Picks a face and hands it the way to a broker. Everything is imported when it
 * is needed: what is not run costs nothing.
 */
/** A module, for the await at its end. */
export {};

const openBroker = async () => (await import("./broker/open-local.ts")).openLocalBroker();

const words = process.argv.slice(2);

const serveAgent = async (): Promise<number> => {
  const { serve } = await import("./mcp/serve.ts");
  // The broker brings ssh2 with it: the client's first call pays for that, not its start.
  let opened: ReturnType<typeof openBroker> | null = null;
  const broker = () => (opened ??= openBroker());
  return await serve({
    call: async (options) => (await broker()).client.call(options),
    close: async () => (await opened)?.close(),
  });
};

const serveOneCommand = async (): Promise<number> => {
  const [{ runCli }, { processWorld }] = await Promise.all([import("./cli/run.ts"), import("./cli/world.ts")]);
  return await runCli(words, processWorld(openBroker));
};

const run = async (): Promise<number> => {
  try {
    return await (words.length === 1 && words[0] === "serve" ? serveAgent() : serveOneCommand());
  } catch (thrown) {
    const [{ reportEscaped }, { processWorld }] = await Promise.all([
      import("./cli/escaped.ts"),
      import("./cli/world.ts"),
    ]);
    return await reportEscaped(thrown, words, processWorld(openBroker));
  }
};

const status = await run();
// Standard input may still be open and waited for. Both faces have handed their last byte to the kernel by now.
process.exit(status);
