import { expect, test } from "bun:test";
import { isInHostsFile, systemResolves } from "../../../src/broker/sessions/host-names.ts";

test("the hosts file knows this machine, and nobody who is not in it", async () => {
  expect(await isInHostsFile("localhost")).toBe(true);
  // An address is no name, nor is a part of one.
  for (const name of ["127.0.0.1", "localhos", "no-such-host"]) expect(await isInHostsFile(name)).toBe(false);
});

test("the system's resolver is asked, and not waited for long", async () => {
  expect(await systemResolves("localhost")).toBe(true);
  const before = performance.now();
  expect(await systemResolves("no-such-host.invalid")).toBe(false);
  expect(performance.now() - before).toBeLessThan(5000);
});
