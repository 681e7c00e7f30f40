/** Ten thousand commands over twenty sessions of one broker: each its own status, each its own output. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { SessionRegistry } from "../../../src/broker/sessions/session-registry.ts";
import { callOf, named, requestFor, run } from "../../broker/sessions/sessions.ts";
import { cleanup } from "../../support/cleanup.ts";
import { makeKey } from "../../support/keys.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { startSshd } from "../../support/sshd.ts";

const commands = 10_000;
/** Of these, the ones a real server runs: each of them costs it a process. */
const real = 5_000;
const realSessions = 10;
const sessions = 20;
const atOnce = 8;

const registry = new SessionRegistry();
afterAll(async () => {
  await registry.closeAll();
  await cleanup();
});

beforeAll(async () => {
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  // Answers in another order than it was asked, as a server under load does.
  const scripted = await startScriptedServer({
    exec: (one) => {
      const id = Number(/\d+/.exec(one.command)?.[0]);
      one.accept();
      setTimeout(() => one.finish(id % 200, `out ${id}\n`, `err ${id}\n`), (id * 7) % 13);
    },
  });
  const open = (index: number) =>
    registry.open(
      index < realSessions
        ? requestFor(`${sshd.user}@127.0.0.1:${sshd.port}`, {
            identityFiles: [key.path],
            name: `s${index}`,
            fresh: true,
          })
        : requestFor(`tester@127.0.0.1:${scripted.port}`, { name: `s${index}`, fresh: true }),
      callOf(),
    );
  await Promise.all(Array.from({ length: sessions }, (_, index) => open(index)));
});

test("10,000 commands over 20 sessions, eight at once on each: no wrong status, no crossed output", async () => {
  const wrong: string[] = [];
  let done = 0;
  const worker = async (ids: Iterator<number>, session: string): Promise<void> => {
    for (let next = ids.next(); next.done !== true; next = ids.next()) {
      const id = next.value;
      const { outcome, exitCode, stdout, stdoutBytes, stderrBytes, name } = await run(
        registry,
        named(session),
        `echo out ${id}; echo err ${id} >&2; exit $((${id} % 200))`,
      );
      const bytes = `out ${id}\n`.length;
      const said = [outcome, exitCode, stdout, stdoutBytes, stderrBytes, name].join(" ");
      const meant = ["exited", id % 200, `out ${id}\n`, bytes, bytes, session].join(" ");
      if (said !== meant) wrong.push(`${id}: ${said}`);
      done++;
    }
  };
  const load = Array.from({ length: sessions }, (_, index) => {
    const count = index < realSessions ? real / realSessions : (commands - real) / (sessions - realSessions);
    const first = index < realSessions ? index * count : real + (index - realSessions) * count;
    const ids = Array.from({ length: count }, (_, at) => first + at).values();
    return Array.from({ length: atOnce }, () => worker(ids, `s${index}`));
  });
  await Promise.all(load.flat());
  expect(wrong).toEqual([]);
  expect(done).toBe(commands);
}, 85_000);
