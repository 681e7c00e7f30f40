/**
 * SIGINT, SIGTERM, SIGHUP and SIGQUIT: the first one stops what runs, in order; a second one leaves at once. A signal that was ignored when we
 * started, as under nohup(1) or for a background job of a script, stays ignored.
 */
import { exitStatusOfSignal } from "../core/exit-status.ts";
import { quickFiles } from "../files/quick-files.ts";

const statuses = {
  SIGHUP: exitStatusOfSignal("HUP"),
  SIGINT: exitStatusOfSignal("INT"),
  SIGQUIT: exitStatusOfSignal("QUIT"),
  SIGTERM: exitStatusOfSignal("TERM"),
} as const;

type Handled = keyof typeof statuses;

export interface Signals {
  /** The exit status that the first signal asks for; null as long as none came. */
  status(): number | null;
  /** Leaves the signals to their defaults again. */
  release(): void;
}

/**
 * @param first called once, for the first signal
 * @param again called with the exit status for every further one
 */
export const watchSignals = (first: () => void, again: (status: number) => void): Signals => {
  let status: number | null = null;
  const ignored = ignoredSignals();
  const handlers = (Object.keys(statuses) as Handled[])
    .filter((name) => !ignored.has(name))
    .map((name) => {
      const handler = () => {
        if (status !== null) return again(statuses[name]);
        status = statuses[name];
        first();
      };
      process.on(name, handler);
      return { name, handler };
    });
  return {
    status: () => status,
    release: () => {
      for (const { name, handler } of handlers) process.off(name, handler);
    },
  };
};

/** proc(5): SigIgn is a mask in hexadecimal, the lowest bit for signal 1. Where there is no /proc, none is taken for ignored. */
const ignoredSignals = (): ReadonlySet<Handled> => {
  const [, rest = ""] = (quickFiles().read("/proc/self/status") ?? "").split("\nSigIgn:\t", 2);
  const hex = rest.split("\n", 1)[0] || "0";
  const mask = BigInt(`0x${hex}`);
  return new Set((Object.keys(statuses) as Handled[]).filter((name) => (mask >> BigInt(statuses[name] - 129)) & 1n));
};
