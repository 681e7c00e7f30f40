/** How the outputs of several hosts are shown. */
import type { Sink } from "../../core/sink.ts";
import type { HostEnd } from "./ended.ts";

/** One host's part. */
export interface HostView {
  /** Where its output goes as it comes; null when it is to be part of the answer. */
  streams: { stdout: Sink; stderr: Sink } | null;
  /** Shows what is left to show. The next host has its turn when this is done. @throws BrokenPipe, SshMcpError LOCAL_IO */
  end(end: HostEnd): Promise<void>;
}

export interface View {
  /** @param index the host's place among the targets. @throws SshMcpError LOCAL_IO */
  begin(target: string, index: number): Promise<HostView>;
  /** Tells of a host that was not begun, where the view tells of each. @throws as `HostView.end` */
  unbegun(end: HostEnd): Promise<void>;
  /** When all hosts have ended. @throws as `HostView.end` */
  finish(): Promise<void>;
}

/** What a view shows on. A write is never in the middle of somebody else's, nor of a question to the person. */
export interface Desk {
  stdout: Sink;
  stderr: Sink;
  /** Nothing else is shown while this runs. */
  alone<T>(work: () => Promise<T>): Promise<T>;
  /** The same for whole lines as they come, which wait for no person: see `makeDesk`. The chunk must not change any more. */
  line(sink: Sink, chunk: Uint8Array): Promise<void>;
}
