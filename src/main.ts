/**
 * Picks a face and hands it the way to a broker. Everything is imported when it
 * is needed: what is not run costs nothing.
 */
/** A module, for the await at its end. */
export {};

const words = process.argv.slice(2);

const accessToBrokers = async () => (await import("./broker/client/access.ts")).brokerAccess(process.env);

/** @param options what follows the command */
const serveAgent = async (options: readonly string[]): Promise<number> => {
  const [{ serve }, { parseServeOptions }] = await Promise.all([
    import("./mcp/serve.ts"),
    import("./mcp/serve-options.ts"),
  ]);
  const settings = await parseServeOptions(options);
  // The client's first call waits for what leads to a broker, and not its start.
  let opened: ReturnType<typeof open> | null = null;
  const open = async () => (await accessToBrokers()).lastingBroker();
  const broker = () => (opened ??= open());
  const client: Parameters<typeof serve>[0] = {
    call: async (call) => (await broker()).call(call),
    close: async () => (await opened)?.close(),
  };
  return await serve(client, { settings });
};

const beBroker = async (): Promise<number> => (await import("./broker/process/run-broker.ts")).runBroker();

const lookIntoKeychain = async (): Promise<number> => (await import("./broker/process/run-keychain.ts")).runKeychain();

const showDemo = async (): Promise<number> => (await import("./demo/run.ts")).runDemo();

const openWorld = async () => {
  const [{ processWorld }, access] = await Promise.all([import("./cli/world.ts"), accessToBrokers()]);
  return processWorld(access);
};

const serveOneCommand = async (): Promise<number> => {
  if (words[0] === "exec") {
    const { runFast } = await import("./cli/fast.ts");
    const status = await runFast(words);
    if (status !== null) return status;
  }
  const { runCli } = await import("./cli/run.ts");
  return await runCli(words, await openWorld());
};

const run = async (): Promise<number> => {
  const [command, verb] = words;
  try {
    if (command === "serve" && !words.some((word) => word === "--help" || word === "-h"))
      return await serveAgent(words.slice(1));
    if (command === "broker" && verb === "run" && words.length === 2) return await beBroker();
    // No verb of the command line's: a broker starts it for whoever logs in.
    if (command === "broker" && verb === "keychain" && words.length === 2) return await lookIntoKeychain();
    if (command === "demo" && words.length === 1) return await showDemo();
    return await serveOneCommand();
  } catch (thrown) {
    const { reportEscaped } = await import("./cli/escaped.ts");
    return await reportEscaped(thrown, words, await openWorld());
  }
};

const status = await run();
// Standard input may still be open and waited for. Both faces have handed their last byte to the kernel by now.
process.exit(status);
