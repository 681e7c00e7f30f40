/** `ssh-mcp demo`: the main job in two seconds, against a server of its own; whatever happens, nothing is left behind. */
import { isatty } from "node:tty";
import { Messages } from "../cli/messages.ts";
import { BrokenPipe, Output } from "../cli/output.ts";
import { SshMcpError, toSshMcpError } from "../core/errors.ts";
import { escapeLine } from "../core/escape.ts";
import { exitStatus } from "../core/exit-status.ts";
import { localUser } from "../files/passwd.ts";
import { within } from "../ssh/transport/within.ts";
import { endProcesses } from "./end-processes.ts";
import { type DemoPlace, makePlace } from "./place.ts";
import { Program } from "./program.ts";
import { type DemoServer, startServer } from "./server.ts";
import { Stage } from "./stage.ts";
import { playDemo } from "./steps.ts";

/** For the demo's server: what it runs is killed, and its one client is gone by then. */
const stopLimitMs = 3000;

/** @returns the exit status: 0, 1 when a step failed, 128 and the number of the signal that ended it */
export const runDemo = async (): Promise<number> => {
  const interruption = new Interruption();
  try {
    await show(new Stage(new Output(1, "standard output"), wantsColour(1)), interruption.signal);
    return exitStatus.ok;
  } catch (thrown) {
    if (interruption.status !== null) return interruption.status;
    if (thrown instanceof BrokenPipe) return exitStatus.brokenPipe;
    await new Messages(new Output(2, "standard error"), wantsColour(2)).error(toSshMcpError(thrown));
    return exitStatus.failed;
  } finally {
    interruption.end();
  }
};

const show = async (stage: Stage, signal: AbortSignal): Promise<void> => {
  const startedAt = performance.now();
  const place = await makePlace();
  let server: DemoServer | null = null;
  try {
    const user = localUser() || "demo";
    const { PATH = "/usr/bin:/bin" } = place.environment;
    const env = { PATH, HOME: place.home, USER: user, LOGNAME: user, SHELL: "/bin/sh" };
    server = await startServer({ user, authorizedKey: place.publicKey, env, cwd: place.home });
    await place.describeServer({ ...server, user });
    await stage.say(
      [
        `For the moment, an SSH server listens on 127.0.0.1, port ${server.port}.`,
        `In a home of the demo's own, ${escapeLine(place.home)}, the ssh configuration`,
        "calls it `demo`, and its host key is known, as it is after a person has",
        "accepted it once. What follows a $ is really run.",
      ].join("\n"),
    );
    const program = new Program(place, signal);
    await playDemo({ stage, program, server });
  } finally {
    await cleanUp(place, server);
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  await stage.say(`\nAll of it took ${seconds} s, and nothing of it is left. Now with a host of yours:\n`);
  await stage.command("ssh-mcp", "connect", "HOST");
};

/** Not to be interrupted, and not to fail halfway: each part is tried whatever became of the one before. */
export const cleanUp = async (place: DemoPlace, server: Pick<DemoServer, "stop"> | null): Promise<void> => {
  // Politely first: a broker takes its socket with it, which need not lie in the place.
  const program = new Program(place, AbortSignal.timeout(5000));
  const parts = [
    () => program.run(["broker", "stop"]).catch(() => undefined),
    () => endProcesses(() => place.processes()),
    // What does not end by then ends with this process.
    async () => (server === null ? undefined : await within(server.stop(), stopLimitMs, undefined)),
    () => place.remove(),
  ];
  const failures: unknown[] = [];
  for (const part of parts) await part().catch((thrown: unknown) => failures.push(thrown));
  if (failures.length > 0) throw failures[0];
};

const wantsColour = (fd: 1 | 2): boolean =>
  (process.env["NO_COLOR"] ?? "") === "" && process.env["TERM"] !== "dumb" && isatty(fd);

const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** Ends the demo early, in order: what is interrupted is the show, not the cleaning up. */
class Interruption {
  readonly #abort = new AbortController();
  /** 128 and the signal's number, as a shell says it; null while there was none. */
  status: number | null = null;

  constructor() {
    for (const name of Object.keys(numbers)) process.on(name, this.#obey);
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  end(): void {
    for (const name of Object.keys(numbers)) process.off(name, this.#obey);
  }

  readonly #obey = (name: keyof typeof numbers): void => {
    this.status ??= 128 + numbers[name];
    this.#abort.abort(new SshMcpError("CANCELED", "the demo was interrupted"));
  };
}
