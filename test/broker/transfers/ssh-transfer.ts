/** Transfers over real connections, between this machine and one server. */
import { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import { BrokerTransfers } from "../../../src/broker/transfers/broker-transfers.ts";
import { type Operand, parseOperand } from "../../../src/core/files/operand.ts";
import type { TransferReport, TransferRequest } from "../../../src/core/files/transfers.ts";
import { LocalSide } from "../../../src/files/local/local-side.ts";
import { connectTo } from "../sessions/files/servers.ts";
import { callOf, named } from "../sessions/sessions.ts";

export interface OverSsh {
  cp: (sources: readonly string[], destination: string, options: Partial<TransferRequest>) => Promise<TransferReport>;
  /** That are open now. */
  connections: () => number;
  end: () => Promise<void>;
}

/** @param config see `configFor` @param cwd where relative local paths are meant from @param limit of connections */
export const overSsh = async (config: string, name: string, cwd: string, limit = 4): Promise<OverSsh> => {
  const registry = new SessionRegistry({ limit });
  await connectTo(registry, config, name);
  const cp: OverSsh["cp"] = async (sources, destination, options) => {
    const operands = [...sources, destination].map(parseOperand);
    const locals = operands.flatMap((operand) => (operand.kind === "local" ? [operand.path] : []));
    const local = new LocalSide({ cwd, operands: locals });
    const request: TransferRequest = {
      ...{ sources: operands.slice(0, -1), destination: operands.at(-1) as Operand },
      ...{ dial: named(name), become: null, recursive: false, preserve: false, parallel: null, resume: false },
      ...{ verify: false, limit: null, exclude: [], sync: null, direct: false },
      ...options,
    };
    const streams = {
      ...{ local, stdin: (async function* () {})(), stdout: { write: async () => {} }, progress: () => {} },
    };
    try {
      return await new BrokerTransfers(registry).run(request, streams, callOf());
    } finally {
      local.close();
    }
  };
  return { cp, connections: () => registry.liveConnections, end: () => registry.closeAll() };
};
