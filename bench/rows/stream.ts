/** A command whose output is longer than memory should ever be. */
import { onCleanup } from "../../test/support/cleanup.ts";
import { type Fixture, near } from "../fixture.ts";
import { interleave, summarize } from "../measure.ts";
import { anonymousMemory } from "../process.ts";
import { type Group, megabytes, megabytesPerSecond } from "../row.ts";

interface Flow {
  /** Bytes of anonymous memory at the most, beyond those before the first byte of output. */
  growth: number;
  bytesPerSecond: number;
}

export const stream: Group = {
  what: "`exec` that streams to /dev/null",
  async measure(fixture) {
    const { binary, quick, ssh } = fixture;
    const size = quick ? 256 * 2 ** 20 : 2 ** 30;
    const amount = quick ? "256 MiB" : "1 GiB";
    // Waits for a line, so that start-up and login are over, and their memory is known, when the first byte flows.
    const command = `echo ready >&2; read -r go; exec head -c ${size} /dev/zero`;
    const pairs = await interleave(
      quick ? 3 : 5,
      () => flow([binary, "exec", near, command], size, fixture),
      () => flow(ssh(near, command), size, fixture),
      0,
    );
    const growth = (flows: readonly Flow[]) => megabytes(summarize(flows.map((each) => each.growth / 1e6)));
    const speed = (flows: readonly Flow[]) =>
      megabytesPerSecond(summarize(flows.map((each) => each.bytesPerSecond / 1e6)));
    const common = { beside: "`ssh` with the same cipher", runs: `${pairs.ours.length}` };
    return [
      {
        ...common,
        what: `memory growth of \`exec\` while ${amount} stream`,
        ours: growth(pairs.ours),
        other: growth(pairs.other),
        budget: { of: "value", max: 64, text: "<= 64 MB" },
      },
      {
        ...common,
        what: `throughput of \`exec\`, ${amount} to /dev/null`,
        ours: speed(pairs.ours),
        other: speed(pairs.other),
        budget: null,
      },
    ];
  },
};

const sampleEveryMs = 10;

const flow = async (argv: readonly string[], size: number, { env }: Fixture): Promise<Flow> => {
  const child = Bun.spawn([...argv], { stdin: "pipe", stdout: "ignore", stderr: "pipe", env, timeout: 120_000 });
  const kill = () => child.kill("SIGKILL");
  await using _ended = { [Symbol.asyncDispose]: onCleanup(kill, kill) };
  const failed = (why: string) => new Error(`${argv[0]} while streaming: ${why}`);
  const words = child.stderr.getReader();
  const { value } = await words.read();
  const said = new TextDecoder().decode(value);
  if (said !== "ready\n") throw failed(said || "no output");
  const before = anonymousMemory(child.pid);
  if (before === null) throw failed("it ended early");

  const began = performance.now();
  child.stdin.write("go\n");
  child.stdin.flush();
  let elapsed: number | null = null;
  void child.exited.then(() => {
    elapsed = performance.now() - began;
  });
  let most = before;
  while (elapsed === null) {
    most = Math.max(most, anonymousMemory(child.pid) ?? 0);
    await Bun.sleep(sampleEveryMs);
  }
  if (child.exitCode !== 0) throw failed(`status ${child.exitCode ?? child.signalCode}`);
  return { growth: most - before, bytesPerSecond: size / (elapsed / 1000) };
};
