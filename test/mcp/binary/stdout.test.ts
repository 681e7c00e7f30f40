/** Standard output of `ssh-mcp serve` is protocol to the last byte, whatever is asked and whatever servers say. */
import { afterAll, expect, test } from "bun:test";
import { makeHome } from "../../faces/home.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type RpcMessage, startRawMcp } from "../../support/mcp-client.ts";
import { startRawServer } from "../../support/raw-server.ts";
import { startScriptedServer } from "../../support/scripted-server.ts";
import { startSshd } from "../../support/sshd.ts";
import { makeUser } from "../../support/users.ts";

afterAll(cleanup);

const call = (name: string, input: Record<string, unknown>, progressToken?: string) => ({
  name,
  arguments: input,
  ...(progressToken === undefined ? {} : { _meta: { progressToken } }),
});

test("every byte of a busy session is part of a message, one a line, and every request has one answer", async () => {
  const home = await makeHome();
  const user = await makeUser({ shell: "/bin/sh" });
  const [sshd, http, noisy] = await Promise.all([
    startSshd({ authorizedKeys: [home.key.line], options: ["Banner /etc/passwd"] }),
    startRawServer("http"),
    startScriptedServer({
      banner: '\x1b]0;title\x07\u2028{"jsonrpc":"2.0","id":1,"result":{}}\n',
      exec: (run) =>
        run.finish(0, '\n{"jsonrpc":"2.0","id":1,"result":{}}\n\x00\x1b[2J', new Uint8Array([10, 0xff, 13, 10])),
    }),
  ]);
  home.trust(sshd.knownHosts(), noisy.knownHosts());
  const target = `${user.name}@127.0.0.1:${sshd.port}`;
  const noise = `tester@127.0.0.1:${noisy.port}`;
  const raw = startRawMcp({ home: home.path });
  await raw.initialize();

  const requests: [string, unknown][] = [
    ["tools/list", {}],
    ["ping", undefined],
    ["no/such/method", {}],
    ["tools/call", call("ssh_connect", { destination: target, name: "web" })],
    ["tools/call", call("ssh_exec", { target, command: "seq 1 100000; seq 1 100000 >&2" }, "token")],
    ["tools/call", call("ssh_exec", { target, command: "exit 3" })],
    ["tools/call", call("ssh_exec", { target, command: "sleep 600", timeout: 0.2 })],
    ["tools/call", call("ssh_exec", { target: noise, command: "x" })],
    ["tools/call", call("ssh_connect", { destination: noise })],
    ["tools/call", call("ssh_exec", { target: `127.0.0.1:${http.port}`, command: "x" })],
    ["tools/call", call("ssh_exec", { target: "\u2028\x1b", command: "x" })],
    ["tools/call", call("no_such_tool", {})],
    ["tools/call", call("ssh_sessions", {})],
  ];
  const answers = await Promise.all(requests.map(([method, params]) => raw.request(method, params, 20_000)));
  await raw.send("not json");
  await raw.send([]);
  await raw.request("tools/call", call("ssh_disconnect", { all: true }));
  await raw.program.end();
  const { status, stdout, stderr, stdoutBytes } = await raw.program.exit();

  expect({ status, stderr, stray: raw.stray() }).toEqual({ status: 0, stderr: "", stray: [] });
  // Written as JSON.stringify writes it, and ended by one newline: not a byte between or around the messages.
  const messages = raw.messages();
  expect(stdout).toBe(messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
  expect(new TextEncoder().encode(stdout)).toEqual(stdoutBytes);
  const answered = messages.map(({ id }) => id).filter((id) => id !== undefined);
  expect(answered.toSorted()).toEqual([...new Set(answered)].toSorted());
  expect(answered).toHaveLength(requests.length + 2);
  expect(answers.map(kindOf)).toEqual([
    ...["result", "result", "error -32601", "result", "result", "result", "tool error", "result", "result"],
    ...["tool error", "tool error", "error -32602", "result"],
  ]);
});

const kindOf = ({ result, error }: RpcMessage): string => {
  if (error !== undefined) return `error ${error.code}`;
  return result?.["isError"] === true ? "tool error" : "result";
};
