import { readFileSync } from "node:fs";
import { cpus, release as kernel, loadavg, type as system, totalmem } from "node:os";
import { release } from "../src/core/version.ts";

/** What the figures depend on, a line each. Taken before anything is measured, for the load. */
export const describeEnvironment = (): string[] => {
  const cores = cpus();
  const load = loadavg().map((value) => value.toFixed(2));
  return [
    `date: ${new Date().toISOString().slice(0, 16).replace("T", " ")} UTC`,
    `machine: ${cores[0]?.model.trim() ?? "unknown processor"}, ${cores.length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB; load before the run ${load.join(" ")}`,
    `system: ${distribution()}, ${system()} ${kernel()}`,
    `versions: ssh-mcp ${release}, Bun ${Bun.version}, ${openSsh()}`,
  ];
};

/** os-release(5). */
const distribution = (): string =>
  /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync("/etc/os-release", "utf8"))?.[1] ?? "unknown distribution";

/** ssh prints its version on stderr: `OpenSSH_9.2p1 Debian-2, OpenSSL 3.0.19 …`. */
const openSsh = (): string => Bun.spawnSync(["ssh", "-V"]).stderr.toString().split(",")[0]?.trim() ?? "no ssh";
