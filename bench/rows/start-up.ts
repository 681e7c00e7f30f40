/** What comes before any SSH: the program's own start. */
import { release } from "../../src/core/version.ts";
import { answerAtOnce } from "../answering-broker.ts";
import { type Base, makeBase } from "../broker.ts";
import { milliseconds } from "../figure.ts";
import { type Fixture, near } from "../fixture.ts";
import { inTurn, side } from "../measure.ts";
import { timeProcess } from "../process.ts";
import { atMost, compare, type Group } from "../row.ts";

const emptyProgram = "an empty compiled Bun program";

/** The fast path: everything of a warm `exec` but the broker's work and the server's. */
export const fastPath: Group = {
  what: "`ssh-mcp exec T true`, answered at once",
  async measure(fixture) {
    const { binary, empty, env, quick } = fixture;
    const base = makeBase(fixture);
    using _broker = answerAtOnce(base);
    const ours = side(() => timeProcess([binary, "exec", near, "true"], base.env));
    const other = side(() => timeProcess([empty], env));
    const openSsh = side(() => timeProcess(["ssh", "-V"], env));
    await inTurn(quick ? 50 : 200, [ours, other, openSsh], 3);
    return [
      compare({ what: this.what, ours, beside: emptyProgram, other, show: milliseconds }),
      compare({ what: this.what, ours, beside: "`ssh -V`", other: openSsh, show: milliseconds }),
    ];
  },
};

export const version: Group = {
  what: "`ssh-mcp --version`, whole process",
  async measure({ binary, empty, env, quick }) {
    const ours = side(() => timeProcess([binary, "--version"], env));
    const other = side(() => timeProcess([empty], env));
    await inTurn(quick ? 20 : 60, [ours, other]);
    return [compare({ what: this.what, ours, beside: emptyProgram, other, show: milliseconds })];
  },
};

export const serve: Group = {
  what: "`ssh-mcp serve`, spawn to initialize reply",
  async measure(fixture) {
    const { empty, env, quick } = fixture;
    const base = makeBase(fixture);
    const ours = side(() => timeInitialize(fixture, base));
    const other = side(() => timeProcess([empty], env));
    await inTurn(quick ? 15 : 40, [ours, other]);
    const budget = atMost(60, " ms");
    return [compare({ what: this.what, ours, beside: emptyProgram, other, show: milliseconds, budget })];
  },
};

const initialize = `${JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1.0.0" } },
})}\n`;

/** @returns milliseconds from spawn until the reply's newline was read */
const timeInitialize = async ({ binary }: Fixture, { env }: Base): Promise<number> => {
  const began = performance.now();
  const child = Bun.spawn([binary, "serve"], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    env,
    timeout: 10_000,
  });
  child.stdin.write(initialize);
  child.stdin.flush();
  let said = "";
  let elapsed = 0;
  for await (const chunk of child.stdout) {
    said += new TextDecoder().decode(chunk);
    if (!said.endsWith("\n")) continue;
    elapsed = performance.now() - began;
    break;
  }
  child.stdin.end();
  await child.exited;
  if (!said.includes(`"version":"${release}"`)) {
    throw new Error(`serve answered ${said.trim() || "nothing"}: ${(await child.stderr.text()).trim()}`);
  }
  return elapsed;
};
