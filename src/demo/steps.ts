/** What the demo shows, in order. A step that does not turn out as it should ends it. */
import { SshMcpError } from "../core/errors.ts";
import { quoteWords } from "../core/quote.ts";
import { Agent } from "./agent.ts";
import type { Program, Ran } from "./program.ts";
import type { DemoServer } from "./server.ts";
import type { Stage } from "./stage.ts";

/** For a connection to be gone that was closed. */
const closeLimitMs = 5000;

export interface Scene {
  stage: Stage;
  program: Program;
  server: Pick<DemoServer, "seen" | "connected">;
}

/** @throws SshMcpError what the first step that failed says of it; BrokenPipe */
export const playDemo = async (scene: Scene): Promise<void> => {
  for (const step of [logIn, runCommand, listSessions, letAgentRun, loseBroker, close]) await step(scene);
};

const logIn = async ({ stage, program, server }: Scene): Promise<void> => {
  await stage.title("Log in once. A password or a code would be asked for here, and nowhere else.");
  await play(stage, program, ["connect", "demo"], { stdout: /^opened demo: / });
  checkLogins(server, 1);
};

const runCommand = async ({ stage, program, server }: Scene): Promise<void> => {
  await stage.title("Run a command: its output, its errors and its status are yours.");
  const words = ["exec", "demo", "echo to stdout; echo to stderr >&2; exit 3"];
  await play(stage, program, words, { status: 3, stdout: /^to stdout\n$/, stderr: /^to stderr\n$/ });
  await stage.note("exit status 3");
  checkLogins(server, 1);
};

const listSessions = async ({ stage, program }: Scene): Promise<void> => {
  await stage.title("The session is there for every program of yours.");
  await play(stage, program, ["ls"], { stdout: /^demo +demo +live /m });
};

const letAgentRun = async ({ stage, program, server }: Scene): Promise<void> => {
  await stage.title("An AI agent uses the same session, through MCP. It never sees a secret.");
  await stage.command("ssh-mcp", "serve");
  const agent = await Agent.start(program);
  const call = { target: "demo", command: "echo hello from the agent" };
  await stage.output(`--> ssh_exec ${JSON.stringify(call)}`);
  const { text, isError } = await agent.callTool("ssh_exec", call);
  await stage.output(`<-- ${text.replace(/\n(?=[^\n])/g, "\n    ")}`);
  if (isError) throw failure("ssh-mcp serve", text.split("\n", 1).join(""), /^([A-Z_]+): /.exec(text)?.[1]);
  if (!text.includes("hello from the agent")) throw failure("ssh-mcp serve", "the tool's answer lacks the output");
  const status = await agent.close();
  if (status !== 0) throw failure("ssh-mcp serve", `it ended with status ${status}`);
  checkLogins(server, 1);
  await stage.note(`the server has seen 1 login, and ${server.seen.commands} commands on it`);
};

const loseBroker = async ({ stage, program, server }: Scene): Promise<void> => {
  await stage.title("The process that keeps the sessions may die: what needs no person comes back by itself.");
  const { stdout } = await program.run(["broker", "status", "--json"]);
  const pid = pidOf(stdout);
  await stage.command("kill", "-9", String(pid));
  process.kill(pid, "SIGKILL");
  await play(stage, program, ["exec", "demo", "echo back again"], { stdout: /^back again\n$/ });
  checkLogins(server, 2);
  await stage.note("the server has seen a second login, with the key of the first");
};

const close = async ({ stage, program, server }: Scene): Promise<void> => {
  await stage.title("Close it.");
  await play(stage, program, ["close", "demo"], { stdout: /^closed demo\n$/ });
  const deadline = performance.now() + closeLimitMs;
  while (server.connected > 0) {
    if (performance.now() > deadline) throw failure("ssh-mcp close demo", "the connection is still open");
    await Bun.sleep(5);
  }
};

interface Expected {
  status?: number;
  stdout: RegExp;
  stderr?: RegExp;
}

/** Shows a command, runs it, and shows what it printed. */
const play = async (stage: Stage, program: Program, words: string[], expected: Expected): Promise<void> => {
  await stage.command("ssh-mcp", ...words);
  const ran = await program.run(words);
  await stage.output(ran.stdout);
  await stage.output(ran.stderr);
  const { status = 0, stdout, stderr = /^/ } = expected;
  if (ran.status !== status) throw explained(words, ran);
  if (!stdout.test(ran.stdout) || !stderr.test(ran.stderr))
    throw failure(typed(words), "it did not print what it should");
};

const typed = (words: readonly string[]): string => quoteWords(["ssh-mcp", ...words]);

/** By the line in which the program itself says what went wrong. */
const explained = (words: readonly string[], { status, stderr }: Ran): SshMcpError => {
  const [, message, code] = /^ssh-mcp: (.*) \[([A-Z_]+)\]$/m.exec(stderr) ?? [];
  return failure(typed(words), message ?? `it ended with status ${status}`, code);
};

const failure = (command: string, why: string, code = "INTERNAL"): SshMcpError =>
  SshMcpError.fromRecord({ code, message: `the demo failed at \`${command}\`: ${why}` });

const checkLogins = ({ seen }: Scene["server"], expected: number): void => {
  if (seen.logins !== expected)
    throw failure("ssh-mcp", `the server has seen ${seen.logins} logins instead of ${expected}`);
};

const pidOf = (json: string): number => {
  const status: unknown = JSON.parse(json);
  const pid = typeof status === "object" && status !== null && "pid" in status ? status.pid : null;
  if (typeof pid !== "number") throw failure("ssh-mcp broker status --json", "no broker is running");
  return pid;
};
