import { expect, test } from "bun:test";
import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { machineId, machinePlace } from "../../src/files/machine.ts";
import { mustRun } from "../support/command.ts";

const say = `const { machineId, machinePlace } = await import(${JSON.stringify(join(import.meta.dir, "../../src/files/machine.ts"))});
  console.log(machineId() + "|" + machinePlace());`;
const program = [process.execPath, "-e", say];

test("the place is the id and the namespaces", () => {
  const namespaces = ["mnt", "net", "user"].map((name) => readlinkSync(`/proc/self/ns/${name}`));
  expect(machinePlace()).toBe([machineId(), ...namespaces].join(" "));
});

test("two processes of one place agree; another network or another set of mounts is another place", async () => {
  const here = await mustRun(program);
  expect(here).toBe(`${machineId()}|${machinePlace()}\n`);
  for (const namespace of ["--net", "--mount"]) {
    const there = await mustRun(["unshare", namespace, ...program]);
    expect(there).not.toBe(here);
    expect(there).toStartWith(`${machineId()}|`);
  }
});

test.each([
  [
    "that of machine-id(5)",
    "echo 0123456789abcdef0123456789abcdef >/etc/machine-id",
    "0123456789abcdef0123456789abcdef",
  ],
  ["the host's name where that is empty", ": >/etc/machine-id", "some-host"],
  ["the host's name where there is none", "true", "some-host"],
])("the id is %s", async (_, prepare, expected) => {
  const script = `mount -t tmpfs none /etc && hostname some-host && ${prepare} && exec "$@"`;
  const said = await mustRun(["unshare", "--mount", "--uts", "/bin/sh", "-c", script, "sh", ...program]);
  expect(said).toStartWith(`${expected}|${expected} mnt:`);
});
