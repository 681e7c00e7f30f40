/** The compiled binary driven by the MCP Inspector's command line, as its users do to try a server out. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { dirname, resolve } from "node:path";
import { type Home, makeHome } from "../../faces/home.ts";
import { buildOnce } from "../../support/binary.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type CommandOutcome, cleanEnv, runCommand } from "../../support/command.ts";
import { type Sshd, startSshd } from "../../support/sshd.ts";

afterAll(cleanup);

let home: Home;
let sshd: Sshd;
beforeAll(async () => {
  home = await makeHome();
  sshd = await startSshd({ authorizedKeys: [home.key.line] });
  home.trust(sshd.knownHosts());
});

/** `bunx --bun`, since the Inspector declares a newer Node than may be there; what is not installed is not fetched. */
const inspect = (...args: string[]): Promise<CommandOutcome> =>
  runCommand(
    [
      ...[process.execPath, "x", "--no-install", "--bun", "@modelcontextprotocol/inspector"],
      ...["--cli", buildOnce(), "serve", ...args],
    ],
    {
      cwd: resolve(import.meta.dir, "../../.."),
      env: { HOME: home.path, PATH: `${dirname(process.execPath)}:${cleanEnv.PATH}` },
      timeout: 30_000,
    },
  );

test("lists the tools, and finds nothing in their schemas that any client could not take", async () => {
  const { status, stdout, stderr } = await inspect("--method", "tools/list", "--strict");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const { tools } = JSON.parse(stdout) as { tools: { name: string }[] };
  expect(tools.map(({ name }) => name)).toEqual([
    ...["ssh_connect", "ssh_exec", "ssh_sessions", "ssh_disconnect", "ssh_output"],
    ...["ssh_read_file", "ssh_write_file", "ssh_edit_file", "ssh_transfer", "ssh_list_directory", "ssh_path"],
    ...["ssh_job_start", "ssh_job_status", "ssh_job_cancel", "ssh_hosts", "ssh_host_add"],
  ]);
});

test("runs a command on a server", async () => {
  const target = `${sshd.user}@127.0.0.1:${sshd.port}`;
  const args = ["--method", "tools/call", "--tool-name", "ssh_exec", "--tool-arg", `target=${target}`];
  const { status, stdout, stderr } = await inspect(...args, "command=uptime");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const { structuredContent } = JSON.parse(stdout) as { structuredContent: Record<string, unknown> };
  expect(structuredContent).toMatchObject({ exitCode: 0, outcome: "exited", stderr: "" });
  expect(structuredContent["stdout"]).toMatch(/load average/);
});

test("is told of an error as a tool's error", async () => {
  const args = ["--method", "tools/call", "--tool-name", "ssh_exec", "--tool-arg", "target=-x", "command=uptime"];
  const { stdout } = await inspect(...args);
  expect(JSON.parse(stdout)).toMatchObject({ isError: true, _meta: { "ssh-mcp/error": { code: "INVALID_INPUT" } } });
});
