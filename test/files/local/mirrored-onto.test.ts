/** Where nothing is deleted for not being at the source, whatever leads there. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { cleanup } from "../../support/cleanup.ts";
import { codeOf, place } from "./sides.ts";

afterAll(cleanup);

const homes = () => {
  const { base } = place();
  const home = join(base, "homes/me");
  mkdirSync(join(home, "project"), { recursive: true });
  writeFileSync(join(home, "precious"), "");
  symlinkSync(home, join(base, "link"));
  return { base, home, env: { HOME: join(base, "link") } };
};

test("a home, what holds one, the root and the folders of the system are not mirrored onto", async () => {
  const { base, home, env } = homes();
  const { side } = place({ cwd: home, env });
  for (const root of [
    ".",
    home,
    `${home}/project/..`,
    `../${basename(home)}/`,
    "..",
    base,
    join(base, "link"),
    "/",
    "//",
    "/./",
  ]) {
    expect(await codeOf(side.checkMirror(root))).toBe("INVALID_INPUT");
  }
  for (const root of ["/etc", "/etc/", "/usr/../etc", "/bin", "/usr/bin", "/proc"]) {
    expect(await codeOf(side.checkMirror(root))).toBe("INVALID_INPUT");
  }
  const error = await side.checkMirror(".").catch((thrown) => thrown);
  expect(error.message).toBe(`"." is the home directory: nothing is deleted there for not being at the source`);
  for (const root of ["project", `${home}/new`, `${home}/no/such`, "precious"]) {
    expect(await codeOf(side.checkMirror(root))).toBe("fine");
  }
});

test("nor is one of them removed from what is mirrored", async () => {
  const { base, home, env } = homes();
  const { side } = place({ cwd: base, env });
  expect(await codeOf(side.remove("homes", "me"))).toBe("INVALID_INPUT");
  expect(await codeOf(side.remove(".", "homes"))).toBe("INVALID_INPUT");
  expect(existsSync(join(home, "precious"))).toBe(true);
  await side.remove(".", "homes/me/precious");
  expect(existsSync(join(home, "precious"))).toBe(false);
});
