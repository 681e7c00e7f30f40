/** Jobs on servers and shells of other kinds, and starts whose link dies in the middle. */
import { afterAll, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Place, placeAt, startPlace } from "../../acceptance/place.ts";
import { makeHome } from "../../faces/home.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startDropbear } from "../../support/dropbear.ts";
import { isAlive } from "../../support/processes.ts";
import { startProxy } from "../../support/proxy.ts";
import { tempDir } from "../../support/temp.ts";
import { makeUser } from "../../support/users.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);

const lives = async (place: Place): Promise<void> => {
  const started = await place.document(["job", "start", place.at, "--json", "--", "echo hi; exit 6"]);
  const { id } = started["job"] as { id: string };
  expect((await place.run(["job", "wait", place.at, id])).status).toBe(6);
  expect((await place.run(["job", "logs", place.at, id])).stdout).toBe("hi\n");
  const long = await place.document(["job", "start", place.at, "--json", "--", "sleep 300"]);
  const { id: running } = long["job"] as { id: string };
  expect((await place.run(["job", "kill", place.at, running])).stdout).toStartWith("stopped: confirmed");
};

test.each(["/bin/bash", "/bin/dash", "/usr/bin/fish", "/usr/bin/tcsh", "/usr/bin/zsh"])(
  "lives where the login shell is %s",
  async (shell) => {
    const user = await makeUser({ shell });
    const { home, sshd } = await startPlace();
    await lives(placeAt(home, sshd, `${user.name}@127.0.0.1:${sshd.port}`));
  },
);

test("lives on dropbear, where commands share a process group", async () => {
  const home = await makeHome();
  const dropbear = await startDropbear({ authorizedKeys: [home.key.line] });
  home.trust(dropbear.knownHosts());
  const at = `${dropbear.user}@127.0.0.1:${dropbear.port}`;
  await lives(placeAt(home, dropbear as never, at));
});

test("a kill on dropbear without setsid leaves other commands of the connection alone", async () => {
  const home = await makeHome();
  const user = await makeUser({ shell: "/bin/bash" });
  const tools = join(user.home, "tools");
  mkdirSync(tools);
  for (const name of "bash cat date dd find ls mkdir ps rm sh sleep tail tr true uname".split(" ")) {
    symlinkSync(Bun.which(name) ?? name, join(tools, name));
  }
  writeFileSync(join(user.home, ".bashrc"), `PATH=${tools}\n`);
  const dropbear = await startDropbear({ authorizedKeys: [home.key.line], user });
  home.trust(dropbear.knownHosts());
  const place = placeAt(home, dropbear as never, `${dropbear.user}@127.0.0.1:${dropbear.port}`);
  expect((await place.run(["exec", place.at, "--", "command -v setsid || echo none"])).stdout).toBe("none\n");
  const started = await place.document(["job", "start", place.at, "--json", "--", "sleep 300 & echo $!; wait"]);
  const { id } = started["job"] as { id: string };
  const child = Number(
    await waitFor(async () => (await place.run(["job", "logs", place.at, id])).stdout, { what: "the child's number" }),
  );
  const noted = join(user.home, "other");
  const other = place.run(["exec", place.at, "--", `echo $$ >${noted}; sleep 300; echo no`]);
  const text = await waitFor(() => existsSync(noted) && readFileSync(noted, "utf8").trim(), {
    what: "the other command",
  });
  expect((await place.run(["job", "kill", place.at, id])).stdout).toStartWith("stopped: confirmed");
  expect({ child: isAlive(child), other: isAlive(Number(text)) }).toEqual({ child: false, other: true });
  process.kill(Number(text), "SIGKILL");
  expect((await other).stdout).toBe("");
});

test("what cannot be begun on the server is said, and not tried for ever", async () => {
  const folder = tempDir("shell");
  const shell = join(folder, "shell");
  const runs = join(folder, "runs");
  writeFileSync(shell, `#!/bin/sh\necho x >>${runs}\nexit 0\n`, { mode: 0o755 });
  writeFileSync(runs, "");
  chmodSync(folder, 0o755);
  chmodSync(runs, 0o666);
  const user = await makeUser({ shell });
  const { home, sshd } = await startPlace();
  const place = placeAt(home, sshd, `${user.name}@127.0.0.1:${sshd.port}`);
  expect(await place.run(["job", "wait", place.at, "aaaaaaaaaa"])).toMatchObject({
    stdout: "",
    stderr: expect.stringContaining("[REMOTE_IO]"),
  });
  const tried = readFileSync(runs, "utf8").length / 2;
  expect(tried).toBeGreaterThan(0);
  expect(tried).toBeLessThan(5);
  const { stderr } = await place.run(["job", "logs", place.at, "aaaaaaaaaa", "--follow"]);
  expect(stderr).toContain("[REMOTE_IO]");
  expect(readFileSync(runs, "utf8").length / 2).toBeLessThan(10 + tried);
});

test("is started at most once when the link is cut anywhere, and what became of it is said", async () => {
  const user = await makeUser({ shell: "/bin/sh" });
  const { home, sshd } = await startPlace();
  const proxy = await startProxy({ host: "127.0.0.1", port: sshd.port });
  home.trust(
    sshd.hostKeys.map((key) => `[127.0.0.1]:${proxy.port} ${key.line.split(" ").slice(0, 2).join(" ")}\n`).join(""),
  );
  const place = placeAt(home, sshd, `${user.name}@127.0.0.1:${proxy.port}`);
  const runs = join(user.home, "runs");
  await place.run(["exec", place.at, "--", `: >${runs}`]);
  let expected = 0;
  let cuts = 0;
  for (let round = 0; round < 14; round++) {
    // Cut once, anywhere in the start: what looks afterwards comes through.
    const direction = round % 2 === 0 ? "toServer" : "toClient";
    const at = proxy.bytes(direction) + Math.round(Math.random() * (direction === "toServer" ? 9000 : 900));
    let over = false;
    const cutting = waitFor(() => over || proxy.bytes(direction) >= at, { what: "the place to cut", interval: 1 });
    void cutting.then(() => over || proxy.cut("reset"));
    const { status, stdout, stderr } = await place.run([
      "job",
      "start",
      place.at,
      "--json",
      "--",
      `echo run >>${runs}`,
    ]);
    over = true;
    if (status === 0) {
      const { id } = (JSON.parse(stdout) as { job: { id: string } }).job;
      expect((await place.run(["job", "wait", place.at, id])).status).toBe(0);
      expected++;
    } else {
      cuts++;
      expect(stderr).not.toContain("OUTCOME_UNKNOWN");
    }
    const ran = statSync(runs).size === 0 ? 0 : readFileSync(runs, "utf8").trimEnd().split("\n").length;
    expect({ round, ran, stderr }).toEqual({ round, ran: expected, stderr });
  }
  // Where each was cut is chance; that none was would prove nothing.
  expect(cuts).toBeGreaterThan(0);
  expect(readdirSync(join(user.home, ".ssh-mcp/jobs")).length).toBeGreaterThanOrEqual(expected);
}, 60_000);
