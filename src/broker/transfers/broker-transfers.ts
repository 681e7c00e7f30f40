import type { CallScope } from "../../core/call-scope.ts";
import { SshMcpError } from "../../core/errors.ts";
import type { TransferReport, TransferRequest, TransferStreams, Transfers } from "../../core/files/transfers.ts";
import type { Sessions } from "../../core/session.ts";

export class BrokerTransfers implements Transfers {
  readonly sessions: Sessions;

  constructor(sessions: Sessions) {
    this.sessions = sessions;
  }

  run(_request: TransferRequest, _streams: TransferStreams, _scope: CallScope): Promise<TransferReport> {
    throw new SshMcpError("UNSUPPORTED", "not built yet");
  }
}
