/** More processes than the broker serves: whoever comes is told so, and a person can still look at it and end it. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { encodeHello } from "../../../src/broker/wire/opening.ts";
import { machinePlace } from "../../../src/files/machine.ts";
import { brokersOf } from "../../support/brokers.ts";
import { cleanup, onCleanup } from "../../support/cleanup.ts";
import { waitFor } from "../../support/wait.ts";
import { startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

const crowd = 300;

test("300 clients that stay: exec says why it is not served, and the broker can be asked and stopped", async () => {
  const place = await startPlace();
  await place.run(["connect", "--name", "web", place.at]);
  const socket = String((await place.document(["broker", "status", "--json"]))["socket"]);
  const hello = encodeHello({ place: machinePlace(), stop: false });
  let connected = 0;
  for (let count = 0; count < crowd; count++) {
    const peer = connect(socket, () => {
      peer.write(hello);
      connected += 1;
    });
    peer.on("error", () => {});
    peer.resume();
    onCleanup(() => peer.destroy());
  }
  await waitFor(() => connected === crowd, { what: "the crowd" });

  const tooMany = "256 processes are connected to the broker already [BROKER_UNAVAILABLE]";
  for (const args of [
    ["exec", "web", "echo in"],
    ["exec", "--timeout", "9", "web", "echo in"],
    ["exec", "--json", "web", "echo in"],
  ]) {
    const { status, stderr } = await place.run(args);
    expect({ status, stderr }).toEqual({ status: 255, stderr: `ssh-mcp: ${tooMany}\n  try: ssh-mcp --no-broker …\n` });
  }
  const status = await place.document(["broker", "status", "--json"]);
  expect(Number(status["clients"])).toBeWithin(257, crowd + 2);
  expect(await place.run(["broker", "stop"])).toMatchObject({ status: 0 });
  expect(brokersOf(place.home.path)).toEqual([]);
});
