/** The caller's world, as ssh_config asks about it: its variables, its commands, and the names its machine knows. */
import { lookup, resolveCname } from "node:dns/promises";
import type { FactSource } from "../../config/ssh-config/asked-facts.ts";
import type { CallScope } from "../../core/call-scope.ts";
import { errorCode } from "../../core/error-code.ts";
import { SshMcpError } from "../../core/errors.ts";
import { signalGroup } from "../../files/process-group.ts";
import { type CommandWorld, shellWords } from "../../files/user-command.ts";

/** A command of `Match exec` looks around; one that waits for somebody never ends. */
const commandLimitMs = 60_000;
/** A chain of aliases in DNS is longer by mistake alone. */
const longestChain = 8;

/** @param limitMs how long a command may take */
export const askedWorld = (
  { caller, variables, signal }: Pick<CallScope, "caller" | "variables"> & { signal?: AbortSignal },
  limitMs = commandLimitMs,
): FactSource => ({
  variables,
  succeeds: async (command, origin) => {
    const environment = await variables("all");
    return await succeeds({ command, origin, limitMs }, { environment, cwd: caller.cwd }, signal);
  },
  lookUp: async (name, family) => {
    const found = await whileWanted(exists(name, family), signal);
    return found ? { canonicalName: await whileWanted(canonicalNameOf(name), signal) } : null;
  },
});

/** As ssh runs it: without input, and its output goes nowhere. @throws SshMcpError CANCELED, TIMEOUT, CONFIG_INVALID when it cannot be run or was killed */
const succeeds = async (
  { command, origin, limitMs }: { command: string; origin: string; limitMs: number },
  world: CommandWorld,
  signal: AbortSignal | undefined,
): Promise<boolean> => {
  if (signal?.aborted) throw canceled();
  const words = shellWords(command, world, { exec: false });
  // What the line says may be a secret.
  const name = `${origin}: the command of Match exec`;
  const failed = (what: string, cause?: unknown): SshMcpError =>
    new SshMcpError("CONFIG_INVALID", `${name} ${what}`, { hint: "man ssh_config", cause });
  let child: Bun.Subprocess<"ignore", "ignore", "ignore">;
  try {
    child = Bun.spawn(words, {
      ...{ cwd: world.cwd, env: { ...world.environment }, stdin: "ignore", stdout: "ignore", stderr: "ignore" },
      // What it starts goes with it.
      detached: true,
    });
  } catch (cause) {
    throw failed(`cannot be run (${errorCode(cause) ?? "unknown"})`, cause);
  }
  const kill = (): void => {
    // It may not have made its group yet.
    if (!signalGroup(child.pid, "SIGKILL")) child.kill("SIGKILL");
  };
  const timedOut = AbortSignal.timeout(limitMs);
  const ends = [timedOut, ...(signal === undefined ? [] : [signal])];
  for (const end of ends) end.addEventListener("abort", kill, { once: true });
  try {
    const status = await child.exited;
    if (signal?.aborted) throw canceled();
    if (timedOut.aborted) {
      throw new SshMcpError("TIMEOUT", `${name} took over ${limitMs / 1000} s and was killed`, {
        hint: "man ssh_config",
      });
    }
    if (child.signalCode !== null) throw failed(`ended by ${child.signalCode}`);
    return status === 0;
  } finally {
    for (const end of ends) end.removeEventListener("abort", kill);
  }
};

const exists = async (name: string, family: "any" | "inet" | "inet6"): Promise<boolean> => {
  try {
    await lookup(name, { family: family === "any" ? 0 : family === "inet" ? 4 : 6 });
    return true;
  } catch {
    return false;
  }
};

/** Where the aliases of a name lead; null for a name without. */
const canonicalNameOf = async (name: string): Promise<string | null> => {
  let canonical: string | null = null;
  for (let links = 0; links < longestChain; links++) {
    const [next]: string[] = await resolveCname(canonical ?? name).catch(() => []);
    if (next === undefined) break;
    canonical = next;
  }
  return canonical;
};

/** @throws SshMcpError CANCELED as soon as the signal aborts */
const whileWanted = async <T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> => {
  if (signal === undefined) return await work;
  if (signal.aborted) throw canceled();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(canceled());
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
};

const canceled = (): SshMcpError => new SshMcpError("CANCELED", "connecting was canceled; no command was sent");
