import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join, resolve } from "node:path";
import { buildOnce } from "./support/binary.ts";
import { cleanup } from "./support/cleanup.ts";
import { type CommandOutcome, cleanEnv, runCommand } from "./support/command.ts";
import { startProgram } from "./support/program.ts";
import { tempDir } from "./support/temp.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

const root = resolve(import.meta.dir, "..");

const writeScript = (path: string, text: string) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
};

/** A Bun that writes down how it was called, and "compiles" a program that knows its version. */
const fakeBun = (version: string) => `
  echo "bun $*" >>"$CALLS"
  case $1 in
    --version) echo ${version} ;;
    */src/build.ts) mkdir -p "$(dirname "$3")"; printf '#!/bin/sh\\necho "fake $*"\\n' >"$3"; chmod 755 "$3" ;;
  esac`;

/** An npm that lays out what the registry's packages hold: one build that does not run here, and one that does. */
const fakeNpm = `
  echo "npm $*" >>"$CALLS"
  packages=$PWD/node_modules/@oven
  mkdir -p "$packages/bun-linux-a-musl/bin" "$packages/bun-linux-b/bin"
  printf '#!/bin/sh\\nexit 127\\n' >"$packages/bun-linux-a-musl/bin/bun"
  cp "$TOOLS/fetched-bun" "$packages/bun-linux-b/bin/bun"
  chmod 755 "$packages"/*/bin/bun`;

interface Checkout {
  /** Its path has a space. */
  path: string;
  home: string;
  /** Tools on PATH besides the system's: those the test wrote here. */
  tools: string;
  install(args: readonly string[], options?: { path?: string; cwd?: string }): Promise<CommandOutcome>;
  /** What the fakes were asked to do, asking for a version left out. */
  calls(): string[];
}

/** A copy of the checkout's installer among fakes: nothing is fetched, nothing real is compiled. */
const makeCheckout = (): Checkout => {
  const path = join(tempDir("check out"), "the checkout");
  const home = tempDir("home");
  const tools = tempDir("tools");
  const calls = join(tools, "calls");
  mkdirSync(path);
  for (const file of ["install.sh", "package.json"]) copyFileSync(join(root, file), join(path, file));
  writeFileSync(calls, "");
  // The system's own node and npm stay out of it.
  for (const tool of ["dirname", "sed", "mkdir", "cp", "chmod", "mv", "rm", "cat"]) {
    writeScript(join(tools, tool), `exec /usr/bin/${tool} "$@"`);
  }
  return {
    path,
    home,
    tools,
    install: (args, options = {}) =>
      runCommand(["/bin/sh", join(path, "install.sh"), ...args], {
        env: { HOME: home, CALLS: calls, TOOLS: tools, PATH: options.path ?? tools },
        cwd: options.cwd ?? "/",
      }),
    calls: () =>
      readFileSync(calls, "utf8")
        .split("\n")
        .filter((line) => line !== "" && line !== "bun --version"),
  };
};

const pinned = /"bun@([\d.]+)"/.exec(readFileSync(join(root, "package.json"), "utf8"))?.[1] ?? "";

test("uses a Bun of exactly the pinned version that is on PATH", async () => {
  const checkout = makeCheckout();
  writeScript(join(checkout.tools, "bun"), fakeBun(pinned));
  const outcome = await checkout.install(["--demo"]);
  expect(outcome).toMatchObject({ status: 0, stdout: "fake demo\n" });
  expect(checkout.calls()).toEqual([
    "bun install --frozen-lockfile --no-progress --no-summary",
    `bun ${checkout.path}/src/build.ts --outfile ${checkout.path}/dist/ssh-mcp`,
  ]);
  expect(readdirSync(join(checkout.home, ".local/bin"))).toEqual(["ssh-mcp"]);
});

test("fetches Bun with npm when there is none, or another version, and keeps it in the checkout", async () => {
  const checkout = makeCheckout();
  writeScript(join(checkout.tools, "bun"), fakeBun("0.0.1"));
  writeScript(join(checkout.tools, "node"), "exit 0");
  writeScript(join(checkout.tools, "npm"), fakeNpm);
  writeScript(join(checkout.tools, "fetched-bun"), fakeBun(pinned));
  const outcome = await checkout.install(["--deps-only"]);
  const fetched = join(checkout.path, ".bun/node_modules/@oven/bun-linux-b/bin/bun");
  expect(outcome).toMatchObject({ status: 0, stdout: `${fetched}\n` });
  expect(checkout.calls()[0]).toMatch(/^npm install --no-save --ignore-scripts .*$/);
  expect(checkout.calls()[0]).toEndWith(` bun@${pinned}`);
  expect(existsSync(join(checkout.home, ".local"))).toBe(false);
  await checkout.install(["--deps-only"]);
  expect(checkout.calls().filter((call) => call.startsWith("npm"))).toHaveLength(1);
});

test.each([["node"], ["npm"]])("says what to install when %s is missing", async (missing) => {
  const checkout = makeCheckout();
  for (const tool of ["node", "npm"]) if (tool !== missing) writeScript(join(checkout.tools, tool), "exit 0");
  const outcome = await checkout.install([]);
  expect(outcome).toMatchObject({ status: 1, stdout: "" });
  expect(outcome.stderr).toContain(`${missing} is missing; as root: apt-get install nodejs npm\n`);
});

test("says so when npm cannot fetch", async () => {
  const checkout = makeCheckout();
  writeScript(join(checkout.tools, "node"), "exit 0");
  writeScript(join(checkout.tools, "npm"), "exit 1");
  expect((await checkout.install([])).stderr).toContain(`npm could not fetch bun@${pinned}`);
});

test("takes a prefix from any directory, and says how to reach it", async () => {
  const checkout = makeCheckout();
  writeScript(join(checkout.tools, "bun"), fakeBun(pinned));
  const cwd = tempDir("some where");
  const bin = join(cwd, "a place/bin");
  const away = await checkout.install(["--prefix", "a place"], { cwd });
  expect(away.status).toBe(0);
  expect(readdirSync(bin)).toEqual(["ssh-mcp"]);
  expect(away.stderr).toContain(`  export PATH="${bin}:$PATH"\n`);
  const reachable = await checkout.install([`--prefix=${cwd}/a place`], { path: `${checkout.tools}:${bin}` });
  expect(reachable.stderr).toEndWith(`installed ${bin}/ssh-mcp\n`);
  writeScript(join(checkout.tools, "ssh-mcp"), "exit 0");
  const hidden = await checkout.install(["--prefix", "a place"], { cwd, path: `${checkout.tools}:${bin}` });
  expect(hidden.stderr).toContain(`another one comes first on PATH: ${checkout.tools}/ssh-mcp`);
});

test("a place that cannot be is refused before anything is compiled", async () => {
  const checkout = makeCheckout();
  writeScript(join(checkout.tools, "bun"), fakeBun(pinned));
  const outcome = await checkout.install(["--prefix", "/proc/nowhere"]);
  expect(outcome.status).toBe(1);
  expect(outcome.stderr).toContain("choose another place: ./install.sh --prefix DIR");
  expect(checkout.calls().filter((call) => call.includes("build.ts"))).toEqual([]);
});

test.each([
  [["--nonsense"], 2, "unknown option: --nonsense"],
  [["extra"], 2, "unknown option: extra"],
  [["--prefix"], 2, "--prefix needs a directory"],
  [["--prefix", ""], 2, "give --prefix DIR"],
] as const)("%p is a usage error", async (args, status, message) => {
  const outcome = await makeCheckout().install(args);
  expect(outcome).toMatchObject({ status, stdout: "" });
  expect(outcome.stderr).toContain(message);
  expect(outcome.stderr).toContain("usage: ./install.sh");
});

test("--help shows every option", async () => {
  const outcome = await makeCheckout().install(["--help"]);
  expect(outcome).toMatchObject({ status: 0, stderr: "" });
  for (const option of ["--prefix", "--demo", "--deps-only", "--help"]) expect(outcome.stdout).toContain(option);
});

test("the real thing is installed under a running one", async () => {
  const prefix = tempDir("prefix");
  const binary = join(prefix, "bin/ssh-mcp");
  mkdirSync(join(prefix, "bin"));
  copyFileSync(buildOnce(), binary);
  const running = startProgram([binary, "serve"]);
  const before = statSync(binary).ino;
  // Whatever this Bun's own file is called, the installer looks for `bun`.
  const tools = tempDir("tools");
  symlinkSync(process.execPath, join(tools, "bun"));
  const outcome = await runCommand([join(root, "install.sh"), "--prefix", prefix, "--demo"], {
    env: { HOME: tempDir("home"), PATH: `${tools}:${cleanEnv.PATH}` },
  });
  expect(outcome.status).toBe(0);
  expect(outcome.stdout).toContain("$ ssh-mcp connect demo\nopened demo: ");
  expect(outcome.stdout).toEndWith("$ ssh-mcp connect HOST\n");
  expect(statSync(binary).ino).not.toBe(before);
  await running.end();
  expect((await running.exit()).status).toBe(0);
});
