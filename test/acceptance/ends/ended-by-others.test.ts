/** A command that somebody else ends: its own process got no signal, and must not look as if it had. */
import { afterAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { start } from "../../support/binary.ts";
import { cleanup } from "../../support/cleanup.ts";
import { type Place, startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let place: Place;
beforeEach(async () => {
  place = await startPlace();
  await place.run(["connect", "--name", "web", place.at]);
});

test.each([
  ["close", ["close", "web"]],
  ["broker stop", ["broker", "stop"]],
])("by %s: status 255", async (_, by) => {
  const running = [
    ["exec", "web"],
    ["exec", "--timeout", "60", "web"],
  ].map((words) => start([...words, "echo begun; sleep 60"], { home: place.home.path }));
  for (const program of running) await program.waitForStdout("begun");
  expect((await place.run(by)).status).toBe(0);
  for (const program of running) {
    const { status, signal, stderr } = await program.exit();
    expect({ status, signal }).toEqual({ status: 255, signal: null });
    expect(stderr).toContain("[CANCELED]");
  }
});
