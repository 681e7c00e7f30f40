import { afterAll, expect, test } from "bun:test";
import type { TerminalSize } from "../../../src/core/call-scope.ts";
import { plainSetup } from "../../../src/ssh/commands/command-setup.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { makeKey } from "../../support/keys.ts";
import { startSshd } from "../../support/sshd.ts";
import { open, run } from "../open.ts";

afterAll(cleanup);

const key = await makeKey();
const servers = [
  ["OpenSSH", () => startSshd({ authorizedKeys: [key.line] })],
  ["Dropbear", () => startDropbear({ authorizedKeys: [key.line] })],
] as const;

test.each(servers)("a command on %s has the terminal it was given, and hears of another size", async (_, start) => {
  const server = await start();
  const connection = await open({ port: server.port, user: server.user, keys: [key.path] });
  let resize: (size: TerminalSize) => void = () => undefined;
  const terminal = {
    ...{ type: "xterm-test", columns: 91, rows: 17 },
    onResize: (listen: (size: TerminalSize) => void) => {
      resize = listen;
    },
  };
  const result = await run(
    connection,
    'test -t 0 && echo "$TERM $(stty size)"; trap "stty size; exit 3" WINCH; echo ready; while :; do sleep 0.05; done',
    {
      setup: { ...plainSetup, terminal },
      stdin: neverEnding(),
      onStdout: (text) => {
        if (text.includes("ready")) resize({ columns: 120, rows: 40 });
      },
    },
  );
  expect(result).toMatchObject({ outcome: "exited", exitCode: 3, stdout: "xterm-test 17 91\r\nready\r\n40 120\r\n" });
  expect(await run(connection, "test -t 0 || echo none")).toMatchObject({ stdout: "none\n" });
});

async function* neverEnding(): AsyncGenerator<Uint8Array> {
  await new Promise(() => undefined);
  yield new Uint8Array();
}
