import { afterAll, expect, test } from "bun:test";
import { release } from "../../src/core/version.ts";
import { buildOnce, run, start } from "./binary.ts";
import { cleanup } from "./cleanup.ts";

afterAll(cleanup);

test("the binary is compiled from these sources, once", async () => {
  const binary = buildOnce();
  expect(buildOnce()).toBe(binary);
  expect(await run(["--version"])).toMatchObject({ status: 0, stdout: `${release}\n`, stderr: "" });
});

test("it is started in its own HOME, and takes input", async () => {
  const program = start(["--help"]);
  expect(program.home).not.toBe(process.env["HOME"] ?? "");
  await program.waitForStdout(/exec/);
  expect((await program.exit()).status).toBe(0);
  // An empty HOME knows no host key: nothing is sent, and input that nobody reads is no error.
  const refused = await run(["exec", "127.0.0.1:1", "cat"], { stdin: "typed" });
  expect(refused).toMatchObject({ status: 255, stdout: "" });
});
