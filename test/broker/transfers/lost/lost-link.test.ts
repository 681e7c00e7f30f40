/** What a server is left with when the link to it ends in the middle of a copy. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stagePrefix } from "../../../../src/broker/transfers/below.ts";
import { movesName, movesProgram, stageProgram } from "../../../../src/broker/transfers/stage-program.ts";
import { encodeTar, tarEnd } from "../../../../src/broker/transfers/tar-writer.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { startDropbear } from "../../../support/dropbear.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { startProxy } from "../../../support/proxy.ts";
import { startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { waitFor } from "../../../support/wait.ts";
import { configFor } from "../../sessions/files/servers.ts";
import { overSsh } from "../ssh-transfer.ts";

setDefaultTimeout(30_000);
afterAll(cleanup);

let key: KeyPair;
let servers: Record<string, { user: string; port: number }>;
beforeAll(async () => {
  key = await makeKey();
  servers = {
    openssh: await startSshd({ authorizedKeys: [key.line] }),
    dropbear: await startDropbear({ authorizedKeys: [key.line] }),
  };
});

const stagesIn = (folder: string): string[] => readdirSync(folder).filter((name) => name.startsWith(stagePrefix));

const tree = (files: number): string => {
  const here = tempDir("here");
  mkdirSync(join(here, "tree"));
  for (let file = 0; file < files; file++) writeFileSync(join(here, "tree", `f${file}`), Buffer.alloc(10_000, file));
  return here;
};

test.each([
  ["openssh", "close"],
  ["openssh", "reset"],
  ["dropbear", "close"],
] as const)("a stage goes with its link (%s, %s)", async (name, kind) => {
  const there = tempDir("there");
  chmodSync(there, 0o777);
  const server = servers[name] as { user: string; port: number };
  const proxy = await startProxy({ host: "127.0.0.1", port: server.port });
  const config = configFor({ [name]: { user: server.user, port: proxy.port } }, key);
  const session = await overSsh(config, name, tree(300));
  const copying = session.cp(["tree/."], `${name}:${there}`, { recursive: true }).catch((error: unknown) => error);
  proxy.cutAfter("toServer", 1_500_000, kind);
  await copying;
  await waitFor(() => stagesIn(there).length === 0, { what: "no stage" });
  expect(readdirSync(there).filter((one) => one.startsWith("f"))).toEqual([]);
  await session.end();
});

test("the next copy removes the stages that nobody works in", async () => {
  const { openssh } = servers;
  const there = tempDir("there");
  chmodSync(there, 0o777);
  const program = stageProgram(there, "dead", false, false);
  // Its process, killed with a stage that it has named itself in.
  const dead = Bun.spawn(["sh", "-c", program], { stdin: "pipe", stderr: "ignore" });
  await waitFor(() => existsSync(join(there, `${stagePrefix}dead`, "by")), { what: "the stage" });
  const by = readFileSync(join(there, `${stagePrefix}dead`, "by"), "utf8");
  expect(by).toEndWith(` ${dead.pid}\n`);
  dead.kill("SIGKILL");
  await dead.exited;
  for (const [name, process, hours] of [
    ["alive", by.replace(`${dead.pid}`, "1"), 48],
    ["elsewhere", by.replace(/^\S+/, "another-start"), 1],
    ["old", "", 48],
    ["new", "", 1],
  ] as const) {
    const stage = join(there, `${stagePrefix}${name}`);
    mkdirSync(stage);
    if (process !== "") writeFileSync(join(stage, "by"), process);
    const at = Date.now() / 1000 - hours * 3600;
    utimesSync(stage, at, at);
  }
  const config = configFor({ openssh: openssh as { user: string; port: number } }, key);
  const session = await overSsh(config, "openssh", tree(20));
  await session.cp(["tree/."], `openssh:${there}`, { recursive: true });
  expect(stagesIn(there).sort()).toEqual(["alive", "elsewhere", "new"].map((name) => `${stagePrefix}${name}`));
  await session.end();
});

test("a stage goes though nobody hears its last word", async () => {
  const there = tempDir("there");
  const moves = Buffer.from(movesProgram([{ staged: "0/f", folder: there }]));
  const members = [
    { path: "0/f", mode: 0o600, mtime: 0, content: Buffer.from("content") },
    { path: movesName, mode: 0o600, mtime: 0, content: moves },
  ];
  const archive = join(tempDir("archive"), "tar");
  writeFileSync(archive, Buffer.concat([encodeTar(members), tarEnd()]));
  const program = stageProgram(there, "deaf", false, false);
  const all = Bun.spawn(["sh", "-c", '{ read -r go;cat "$2";}|sh -c "$1"|:', "sh", program, archive], {
    ...{ stdin: "pipe", stderr: "ignore" },
  });
  // Whoever was to listen is gone before the archive comes.
  await waitFor(() => stagesIn(there).length === 1, { what: "the stage" });
  all.stdin.write("\n");
  await all.stdin.end();
  await waitFor(() => stagesIn(there).length === 0 && existsSync(join(there, "f")), { what: "the file alone" });
  await all.exited;
});

test("a link that is lost is told of once", async () => {
  const { user, port } = servers["openssh"] as { user: string; port: number };
  const there = tempDir("there");
  chmodSync(there, 0o777);
  const here = tree(20);
  for (const name of ["one", "two", "three"]) writeFileSync(join(here, "tree", name), Buffer.alloc(4_000_000));
  const proxy = await startProxy({ host: "127.0.0.1", port });
  const session = await overSsh(configFor({ web: { user, port: proxy.port } }, key), "web", here);
  proxy.cutAfter("toServer", 3_000_000, "close");
  const { failures } = await session.cp(["tree/."], `web:${there}`, { recursive: true });
  expect(failures.length).toBeGreaterThan(0);
  // Each file that was under way has its bytes; none is without a name.
  expect(failures.filter(({ path }) => path === "")).toEqual([]);
  for (const { path } of failures) expect(path).not.toContain("/.");
  await session.end();
});
