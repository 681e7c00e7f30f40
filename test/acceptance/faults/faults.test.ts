/**
 * A thousand links that fail at a random byte, either way: whatever the caller is told is true, and nothing runs twice. `FAULT_SEED` plays a
 * run again as far as the machine's own timing allows.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import type { CommandResult } from "../../../src/core/command.ts";
import { type CommandForm, plainForm } from "../../../src/core/command-form.ts";
import { SshMcpError } from "../../../src/core/errors.ts";
import type { OpenRequest } from "../../../src/core/session.ts";
import { callOf, cli, requestFor } from "../../broker/sessions/sessions.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeKey } from "../../support/keys.ts";
import { startProxy, type TcpProxy } from "../../support/proxy.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { startSshd } from "../../support/sshd.ts";
import { allowSudo } from "../../support/sudoers.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser } from "../../support/users.ts";

const seed = Number(process.env["FAULT_SEED"] ?? Date.now() % 1_000_000_000);
const directions = ["toServer", "toClient"] as const;
const faults = ["close", "reset", "silence", "corrupt"] as const;

/** mulberry32: the same numbers for the same seed, everywhere. */
const randomFrom = (start: number): (() => number) => {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

const registry = new SessionRegistry({ limit: 1000 });
afterAll(async () => {
  await registry.closeAll();
  await cleanup();
});

/** A server behind proxies of its own, which knows how often each command began. */
interface Place {
  port: number;
  request: Partial<OpenRequest> & { user: string };
  /** The command of an id; it ends with the status `statusOf(id)` and has written `outputOf(id)`. */
  command(id: string): string;
  form(id: string): CommandForm;
  runs(id: string): number;
}

const statusOf = (id: string): number => 1 + (Number(id.replace(/\D/g, "")) % 99);
/** Larger than a packet of a small command, so that a fault can be in its middle. */
const outputOf = (id: string): string => `${id}:${"x".repeat(1500)}:${id}\n`;

const forms: readonly CommandForm[] = [
  plainForm,
  { ...plainForm, cwd: "/", env: { FAULT: "injected" } },
  { ...plainForm, become: { by: "sudo", user: "root" } },
];

let scripted: Place;
let real: Place;

beforeAll(async () => {
  process.stderr.write(`FAULT_SEED=${seed}\n`);
  const counts = new Map<string, number>();
  const server = await startScriptedServer({
    exec: (run) => {
      counts.set(run.command, (counts.get(run.command) ?? 0) + 1);
      const channel = run.accept();
      channel.write(outputOf(run.command).slice(0, 700));
      setTimeout(() => run.finish(statusOf(run.command), outputOf(run.command).slice(700)), 1);
    },
  });
  scripted = {
    port: server.port,
    request: { user: "tester" },
    command: (id) => id,
    form: () => plainForm,
    runs: (id) => counts.get(id) ?? 0,
  };
  const [key, user] = await Promise.all([makeKey(), makeUser({ shell: "/bin/sh" })]);
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  await allowSudo([`${user.name} ALL=(ALL:ALL) NOPASSWD: ALL`]);
  const folder = tempDir("runs");
  chmodSync(folder, 0o777);
  const runsOf = (id: string): number => {
    try {
      return readFileSync(join(folder, id), "utf8").length;
    } catch {
      return 0;
    }
  };
  real = {
    port: sshd.port,
    request: { user: user.name, identityFiles: [key.path] },
    command: (id) => {
      const filler = `$(printf '%1500s' '' | tr ' ' x)`;
      return `printf r >>${folder}/${id}; echo "${id}:${filler}:${id}"; exit ${statusOf(id)}`;
    },
    // Two of three are begun by the bootstrap, which says what they are on standard input; one of these by sudo as well.
    form: (id) => forms[Number(id.replace(/\D/g, "")) % forms.length] ?? plainForm,
    runs: runsOf,
  };
});

type Told = { id: string; output: string } & ({ result: CommandResult } | { error: SshMcpError });

const tell = async (place: Place, proxy: TcpProxy, id: string): Promise<Told> => {
  let output = "";
  const { user, ...more } = place.request;
  const request = requestFor(`${user}@127.0.0.1:${proxy.port}`, { timeoutMs: 1500, ...more });
  request.options = [...request.options, "ServerAliveInterval=1", "ServerAliveCountMax=1"];
  try {
    const call = callOf();
    const session = await registry.use(request, call);
    const result = await session.exec(
      {
        command: place.command(id),
        form: place.form(id),
        stdin: (async function* () {})(),
        stdout: {
          write: async (chunk) => {
            output += Buffer.from(chunk).toString();
          },
        },
        stderr: { write: async () => {} },
        timeoutMs: null,
      },
      call,
    );
    return { id, output, result };
  } catch (thrown) {
    if (!(thrown instanceof SshMcpError)) throw thrown;
    return { id, output, error: thrown };
  }
};

/** One, and where the link has outlived it two more at once: a login costs most of the time there is. */
const play = async (place: Place, proxy: TcpProxy, trial: number): Promise<Told[]> => {
  const first = await tell(place, proxy, `t${trial}-1`);
  if (!("result" in first) || first.result.outcome !== "exited") return [first];
  return [first, ...(await Promise.all([2, 3].map((each) => tell(place, proxy, `t${trial}-${each}`))))];
};

/** What was sent before the keys were exchanged proves nothing of itself: a corrupted byte may be another list of algorithms. */
const mayBeFinal: ReadonlySet<string> = new Set(["PROTOCOL_ERROR", "OUTCOME_UNKNOWN", "NO_COMMON_ALGORITHM"]);

/** What is wrong with what a caller was told; null when it is true. */
const lieOf = (place: Place, told: Told): string | null => {
  const { id, output } = told;
  const runs = place.runs(id);
  if (runs > 1) return `ran ${runs} times`;
  if ("error" in told) {
    const { code, message, retryable } = told.error;
    if (runs > 0) return `ran, though ${code} says that nothing was sent: ${message}`;
    return retryable || mayBeFinal.has(code) ? null : `${code} is final: ${message}`;
  }
  const { outcome, exitCode, reason } = told.result;
  if (outcome === "unknown") {
    if (exitCode !== null || reason === null) return `unknown with status ${exitCode}: ${reason}`;
    return outputOf(id).startsWith(output) ? null : `${output.length} bytes of another output`;
  }
  if (outcome !== "exited" || exitCode !== statusOf(id)) return `${outcome} ${exitCode}, and not ${statusOf(id)}`;
  if (output !== outputOf(id)) return `a status for ${output.length} bytes of its output`;
  return runs === 1 ? null : "a status, though it never ran";
};

/** @returns how often a caller was told what */
const inject = async (place: Place, count: number, atOnce: number, first: number): Promise<Record<string, number>> => {
  const calm = await startProxy({ host: "127.0.0.1", port: place.port });
  for (const told of await play(place, calm, first)) expect(lieOf(place, told)).toBeNull();
  const lengths = { toServer: calm.bytes("toServer"), toClient: calm.bytes("toClient") };
  const random = randomFrom(seed + first);
  const plans = Array.from({ length: count }, (_, index) => {
    const direction = directions[Math.floor(random() * 2)] ?? "toServer";
    return {
      trial: first + 1 + index,
      direction,
      offset: Math.floor(random() * lengths[direction]),
      fault: faults[Math.floor(random() * 4)] ?? "close",
    };
  });
  const lies: string[] = [];
  const all: { told: Told; fault: string }[] = [];
  const outcomes: Record<string, number> = {};
  const queue = plans.values();
  const worker = async (): Promise<void> => {
    for (const { trial, direction, offset, fault } of queue) {
      const proxy = await startProxy({ host: "127.0.0.1", port: place.port });
      if (fault === "corrupt") proxy.corrupt(direction, offset);
      else proxy.cutAfter(direction, offset, fault);
      for (const told of await play(place, proxy, trial)) {
        all.push({ told, fault: `${fault} ${direction} at byte ${offset}` });
        const what = "error" in told ? told.error.code : told.result.outcome;
        outcomes[what] = (outcomes[what] ?? 0) + 1;
      }
      const opened = registry.list(cli).filter(({ port }) => port === proxy.port);
      await registry.close(
        opened.map(({ name }) => name),
        cli,
      );
      await proxy.stop();
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  // A second run of the first one would have begun by now; the last ones are given the time for it as well.
  await play(place, calm, first + 1 + count);
  for (const { told, fault } of all) {
    const lie = lieOf(place, told);
    if (lie !== null) lies.push(`${told.id}, ${fault}: ${lie}`);
  }
  expect(lies, `FAULT_SEED=${seed}`).toEqual([]);
  return outcomes;
};

test("900 faults before a server that counts: nothing runs twice, and no status is invented", async () => {
  const outcomes = await inject(scripted, 900, 60, 1_000);
  // All of it was met: links that failed before, in and after the command.
  expect(outcomes["exited"]).toBeGreaterThan(100);
  expect(outcomes["unknown"]).toBeGreaterThan(100);
}, 60_000);

test("100 faults before OpenSSH, of plain commands and of those that the bootstrap or sudo begins", async () => {
  const outcomes = await inject(real, 100, 16, 10_000);
  expect(outcomes["exited"]).toBeGreaterThan(10);
  expect(outcomes["unknown"]).toBeGreaterThan(5);
}, 60_000);
