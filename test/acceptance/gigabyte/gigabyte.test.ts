/** A gigabyte each way at the same time, with readers that sleep first: all of it arrives, and nobody holds it in memory. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { join } from "node:path";
import { startAgent } from "../../faces/agent.ts";
import { buildOnce } from "../../support/binary.ts";
import { brokerOf } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { mebibyte, watchMemory } from "../../support/memory.ts";
import { commandLineOf, descendantsOf } from "../../support/processes.ts";
import { startProgram } from "../../support/program.ts";
import { waitFor } from "../../support/wait.ts";
import { type Place, startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(80_000);

const gigabyte = 1024 * mebibyte;
/** A shell's words for a gigabyte in which no block is like another. */
const source = `seq 1 200000000 | head -c ${gigabyte}`;
const hasher = `${process.execPath} ${join(import.meta.dir, "hash.ts")}`;
const sleepy = `sleep 10; ${hasher}`;

let place: Place;
let hash: string;
beforeAll(async () => {
  place = await startPlace();
  hash = (await mustRun(["sh", "-c", `${source} | ${hasher}`])).trim();
  await place.run(["exec", place.at, "true"]);
});

/** A shell line with `$S` for the binary; the client is found by its command line. */
const shell = (line: string) => {
  const program = startProgram(["bash", "-c", line.replaceAll("$S", buildOnce())], { home: place.home.path });
  const isClient = (pid: number) => commandLineOf(pid)[0] === buildOnce();
  const client = waitFor(() => descendantsOf(program.pid).find(isClient), { what: "the client" });
  return { program, client };
};

describe("a gigabyte", () => {
  test("down and up at once, both readers asleep for ten seconds", async () => {
    const download = shell(`$S exec ${place.at} '${source}' | (${sleepy}); echo \${PIPESTATUS[*]}`);
    const upload = shell(`${source} | $S exec ${place.at} '${sleepy}'; echo \${PIPESTATUS[*]}`);
    const [down, up] = await Promise.all([download.client, upload.client]);
    const memory = watchMemory({ broker: brokerOf(place.home.path), down, up });
    const answers = await Promise.all([download.program.exit(70_000), upload.program.exit(70_000)]);
    const grown = memory.end();
    expect(answers.map(({ stdout }) => stdout)).toEqual([`${hash}\n0 0\n`, `${hash}\n141 0 0\n`]);
    expect(Object.entries(grown).filter(([, bytes]) => bytes > 64 * mebibyte)).toEqual([]);
  });

  test("or the quarter of one, for a model is counted to the byte and not kept", async () => {
    const agent = await startAgent(place.home.path);
    await agent.call("ssh_exec", { target: place.at, command: "true" });
    const memory = watchMemory({ broker: brokerOf(place.home.path), serve: agent.pid });
    const command = `head -c ${gigabyte / 4} /dev/zero`;
    const { result } = await agent.call("ssh_exec", { target: place.at, command, timeout: 50 });
    const grown = memory.end();
    expect(result).toMatchObject({ exitCode: 0, stdoutBytes: gigabyte / 4, truncated: true });
    expect(Object.entries(grown).filter(([, bytes]) => bytes > 64 * mebibyte)).toEqual([]);
  });
});
