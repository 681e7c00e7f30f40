import type { CallerTerminal, TerminalSize } from "../../core/call-scope.ts";
import type { BecomePassword } from "./become-program.ts";

/** What a command is to find on the server beside itself. */
export interface CommandSetup {
  /** Environment variables, in the order to ask for them: the server takes those it allows. */
  environment: readonly { name: string; value: string }[];
  /** Socket of the agent that the command may use, or null. */
  agentSocket: string | null;
  /**
   * The terminal to give it, or null. `onResize` is told who wants to hear of another size; `modes` are encoded as in RFC 4254, section 8, and
   * the server's own when absent; `isLive` where somebody's keys are its input.
   */
  terminal:
    | (CallerTerminal & { modes?: Buffer; isLive?: boolean; onResize(listen: (size: TerminalSize) => void): void })
    | null;
  /** For sudo or su, where they ask for one. */
  password?: BecomePassword | null;
  /** Told when it has its channel, before anything is asked for on it. */
  onChannel?: () => void;
}

export const plainSetup: CommandSetup = { environment: [], agentSocket: null, terminal: null };
