/** Commands in every form there is, stopped: with a terminal, begun by the bootstrap, with a reader that stands still. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { CommandForm } from "../../../../src/core/command-form.ts";
import { plainSetup } from "../../../../src/ssh/commands/command-setup.ts";
import type { Connection } from "../../../../src/ssh/connection.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { makeKey } from "../../../support/keys.ts";
import { startSshd } from "../../../support/sshd.ts";
import { waitFor } from "../../../support/wait.ts";
import { open, type RunOptions, run } from "../../open.ts";
import { leftOf, nextMark, servers } from "../places.ts";

afterAll(cleanup);

const terminal = { type: "xterm", columns: 80, rows: 24, onResize: () => undefined };

async function* endless(): AsyncGenerator<Uint8Array> {
  await new Promise(() => undefined);
}

const form: Partial<CommandForm> = { cwd: "/", env: { WHERE: "here" } };
const forms: Record<string, () => RunOptions> = {
  "with a terminal": () => ({ setup: { ...plainSetup, terminal } }),
  "with a terminal and open input": () => ({ setup: { ...plainSetup, terminal }, stdin: endless() }),
  "with open input": () => ({ stdin: endless() }),
  "begun by the bootstrap": () => ({ form }),
  "begun by the bootstrap, with open input": () => ({ form, stdin: endless() }),
  "begun by the bootstrap, with a terminal": () => ({
    form: { ...form, pty: true },
    setup: { ...plainSetup, terminal },
  }),
};

const shapes: Record<string, (mark: string) => string> = {
  "a child in the background": (mark) => `sleep ${mark} & sleep ${mark}`,
  "one that no hangup ends": (mark) => `nohup sleep ${mark} >/dev/null 2>&1 & sleep ${mark}`,
  "a session of its own": (mark) => `setsid sleep ${mark} & sleep ${mark}`,
};

describe.each(Object.entries(servers))("on %s", (name, serve) => {
  const connections = new Map<string, Connection>();
  beforeAll(async () => {
    const connect = await serve();
    // One after the other: Dropbear takes few logins at once.
    for (const form of Object.keys(forms)) connections.set(form, await connect());
  });

  test.concurrent.each(Object.entries(forms))("nothing is left of a command %s", async (form, options) => {
    const stopped = async (chosen: readonly ((mark: string) => string)[]): Promise<void> => {
      const connection = connections.get(form);
      if (connection === undefined) throw new Error("no connection");
      const marks = chosen.map(nextMark);
      const cancel = new AbortController();
      const running = chosen.map((shape, index) =>
        run(connection, shape(`${marks[index]}`), { ...options(), signal: cancel.signal }),
      );
      const sleeps = (mark: string): string[] => leftOf(mark).filter((line) => line.startsWith("sleep"));
      await waitFor(() => marks.every((mark) => sleeps(mark).length >= 2), { what: "the commands" });
      cancel.abort();
      for (const result of await Promise.all(running)) {
        expect(result).toMatchObject({ outcome: "canceled", exitCode: null, stopped: "confirmed" });
      }
      expect(marks.flatMap(leftOf)).toEqual([]);
    };
    // Dropbear runs one command at a time on a connection.
    if (name.startsWith("Dropbear")) for (const shape of Object.values(shapes)) await stopped([shape]);
    else await stopped(Object.values(shapes));
  });
});

test("a reader that stands still holds up neither the stop nor the result", async () => {
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const connection = await open({ port: sshd.port, user: sshd.user, keys: [key.path] });
  const mark = nextMark();
  const still = { write: () => new Promise<void>(() => undefined) };
  const cancel = new AbortController();
  const running = connection.exec(
    {
      ...{ command: `sleep ${mark} & yes`, timeoutMs: null },
      ...{ stdin: (async function* () {})(), stdout: still, stderr: still },
    },
    cancel.signal,
  );
  await waitFor(() => leftOf(mark).length > 0, { what: "the command" });
  cancel.abort();
  expect(await running).toMatchObject({ outcome: "canceled", stopped: "confirmed" });
  expect(leftOf(mark)).toEqual([]);
  expect(await run(connection, "echo next")).toMatchObject({ stdout: "next\n" });
});
