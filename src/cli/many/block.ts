/** The output of a host, or of several with the same one, in one piece: a header as head(1) has it, then the bytes as they came. */
import { escapeLine } from "../../core/escape.ts";
import { type HostEnd, wordsOf } from "./ended.ts";
import type { Spool } from "./spool.ts";
import type { Desk } from "./view.ts";

const encoder = new TextEncoder();

export interface Outputs {
  stdout: Spool;
  stderr: Spool;
}

/** `==> web1 <==`, `==> web1: exit status 3 <==`, `==> web1, web2 (2 hosts) <==`. */
export const headerOf = (targets: readonly string[], end: HostEnd): string => {
  const names = targets.map(escapeLine).join(", ");
  const many = targets.length > 1 ? ` (${targets.length} hosts)` : "";
  const words = wordsOf(end);
  return `==> ${names}${many}${words === null ? "" : `: ${words}`} <==\n`;
};

/** On standard output always, so that a host without output is seen as well; on standard error when there is any. */
export const showBlock = async (header: string, { stdout, stderr }: Outputs, desk: Desk): Promise<void> => {
  for (const [spool, sink] of [
    [stdout, desk.stdout],
    [stderr, desk.stderr],
  ] as const) {
    if (spool === stderr && spool.bytes === 0) continue;
    await sink.write(encoder.encode(header));
    for await (const chunk of spool.chunks()) await sink.write(chunk);
    // The next header begins a line.
    if (!spool.endsLine) await sink.write(encoder.encode("\n"));
  }
};

export const closeOutputs = async ({ stdout, stderr }: Outputs): Promise<void> => {
  await stdout.close();
  await stderr.close();
};

/** Whether there is anything to show: a host that failed before the command was sent has only its error. */
export const hasBlock = (end: HostEnd, { stdout, stderr }: Outputs): boolean =>
  end.kind === "result" || stdout.bytes + stderr.bytes > 0;
