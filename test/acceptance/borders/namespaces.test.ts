/** A client that sees another network, as in a container that shares a home: the broker would reach other hosts than it means. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { buildOnce } from "../../support/binary.ts";
import { brokerOf } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startProgram } from "../../support/program.ts";
import { type Place, startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let place: Place;
beforeAll(async () => {
  place = await startPlace();
  await place.run(["connect", "--name", "web", place.at]);
});

const inNamespace = async (kind: string, ...args: string[]) => {
  const program = startProgram(["unshare", kind, buildOnce(), ...args], { home: place.home.path });
  await program.end();
  return program.exit();
};

describe.each(["--net", "--mount", "--user"])("a client in another namespace (unshare %s)", (kind) => {
  test("is told so, and how to go without a broker", async () => {
    for (const args of [["exec", "web", "id"], ["ls"]]) {
      const { status, stdout, stderr } = await inNamespace(kind, ...args);
      expect({ failed: status !== 0, stdout }).toEqual({ failed: true, stdout: "" });
      expect(stderr).toMatch(/\[BROKER_UNAVAILABLE\]\n {2}try: ssh-mcp --no-broker .*\n$/);
    }
  });

  test("leaves the broker and its sessions alone", async () => {
    const broker = brokerOf(place.home.path);
    await inNamespace(kind, "exec", "web", "id");
    expect(brokerOf(place.home.path)).toBe(broker);
    expect(await place.run(["exec", "web", "echo in"])).toMatchObject({ status: 0, stdout: "in\n", stderr: "" });
  });
});

test("what the hint says works there", async () => {
  const { status, stdout, stderr } = await inNamespace("--mount", "--no-broker", "exec", place.at, "echo in");
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: "in\n", stderr: "" });
  const listed = await inNamespace("--net", "--no-broker", "ls", "-q");
  expect(listed).toMatchObject({ status: 0, stdout: "web\n" });
});
