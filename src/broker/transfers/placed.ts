import type { RemoteMachine } from "../../core/files/remote-files.ts";
import type { TransferSide } from "../../core/files/transfer-side.ts";

/** An operand that is no stream: a side, and a path there. */
export interface Placed {
  side: TransferSide;
  /** As the side takes it. */
  path: string;
  /** Null for this machine. */
  machine: RemoteMachine | null;
}
