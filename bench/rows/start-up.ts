/** What comes before any SSH: the program's own start. */
import { release } from "../../src/core/version.ts";
import type { Fixture } from "../fixture.ts";
import { interleave, summarize } from "../measure.ts";
import { timeProcess } from "../process.ts";
import { type Group, milliseconds } from "../row.ts";

const emptyProgram = "an empty compiled Bun program";

export const version: Group = {
  what: "`ssh-mcp --version`, whole process",
  async measure(fixture) {
    const { binary, env, quick } = fixture;
    const pairs = await interleave(
      quick ? 20 : 60,
      () => timeProcess([binary, "--version"], env),
      () => timeProcess([fixture.empty], env),
    );
    const ours = summarize(pairs.ours);
    const other = summarize(pairs.other);
    return [
      {
        what: this.what,
        ours: milliseconds(ours),
        beside: emptyProgram,
        other: milliseconds(other),
        budget: null,
        runs: `${ours.count}`,
      },
    ];
  },
};

export const serve: Group = {
  what: "`ssh-mcp serve`, spawn to initialize reply",
  async measure(fixture) {
    const { env, quick } = fixture;
    const pairs = await interleave(
      quick ? 15 : 40,
      () => timeInitialize(fixture),
      () => timeProcess([fixture.empty], env),
    );
    const ours = summarize(pairs.ours);
    const other = summarize(pairs.other);
    return [
      {
        what: this.what,
        ours: milliseconds(ours),
        beside: emptyProgram,
        other: milliseconds(other),
        budget: { of: "value", max: 60, text: "<= 60 ms" },
        runs: `${ours.count}`,
      },
    ];
  },
};

const initialize = `${JSON.stringify({
  jsonrpc: "2.0",
  id: 1,
  method: "initialize",
  params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "bench", version: "1.0.0" } },
})}\n`;

/** @returns milliseconds from spawn until the reply's newline was read */
const timeInitialize = async ({ binary, env }: Fixture): Promise<number> => {
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
  if (said.includes(`"version":"${release}"`)) return elapsed;
  throw new Error(`serve answered ${said.trim() || "nothing"}: ${(await child.stderr.text()).trim()}`);
};
