/** What a call names, what its client's folders hold, and what is secret: nothing else is touched. */
import { afterAll, describe, expect, test } from "bun:test";
import { linkSync, mkdirSync, readdirSync, renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cleanup } from "../../support/cleanup.ts";
import { codeOf, place, plain, readAll, small, stream, walked, writeAll } from "./sides.ts";

afterAll(cleanup);

describe("a call", () => {
  test("reaches what it names and what is below, however it writes that", async () => {
    const { base } = place();
    mkdirSync(join(base, "root/d"));
    writeFileSync(join(base, "root/d/f"), "content");
    const { side } = place({ cwd: base, operands: ["./root/"] });
    for (const path of ["root/d/f", "./root/d/f", "root//d/f", join(base, "root/d/f")]) {
      expect(await readAll(side.read(path, 0))).toBe("content");
    }
  });

  test("reaches nothing else", async () => {
    const { base } = place();
    writeFileSync(join(base, "outside/o"), "");
    const { side } = place({ cwd: base, operands: ["root"] });
    for (const path of ["outside/o", "root/../outside/o", "/etc/passwd", ".", "roo", "rootx", "/"]) {
      expect(await codeOf(readAll(side.read(path, 0)))).toMatch(/POLICY_DENIED|INVALID_INPUT/);
      expect(await codeOf(side.write(path, "", stream("x"), 0, plain))).toMatch(/POLICY_DENIED|INVALID_INPUT/);
      expect(await codeOf(side.look(path))).toMatch(/POLICY_DENIED|INVALID_INPUT/);
      expect(await codeOf(side.remove(path, "o"))).toMatch(/POLICY_DENIED|INVALID_INPUT/);
    }
    expect(readdirSync(join(base, "outside"))).toEqual(["o"]);
  });

  test("goes on in the directory that it opened, whatever takes its name", async () => {
    const { base, root, outside } = place();
    const { side } = place({ cwd: base, operands: ["root"] });
    await side.write("root", "one", stream("x"), 0, plain);
    renameSync(root, join(base, "moved"));
    symlinkSync(outside, root);
    await side.write("root", "two", stream("x"), 0, plain);
    expect(readdirSync(join(base, "moved")).sort()).toEqual(["one", "two"]);
    expect(readdirSync(outside)).toEqual([]);
  });

  test("that makes its destination holds it from then on", async () => {
    const { base } = place();
    const { side } = place({ cwd: base, operands: ["new"] });
    await side.makeDirectory("new", "", 0o755);
    renameSync(join(base, "new"), join(base, "moved"));
    symlinkSync(join(base, "outside"), join(base, "new"));
    await writeAll(side, "new", [small("f")]);
    expect(readdirSync(join(base, "outside"))).toEqual([]);
    expect(readdirSync(join(base, "moved"))).toEqual(["f"]);
  });
});

describe("a client's folders", () => {
  test("are where everything lies; a link does not lead out", async () => {
    const { base, root, outside } = place();
    writeFileSync(join(root, "f"), "in");
    writeFileSync(join(outside, "f"), "out");
    symlinkSync(outside, join(root, "l"));
    symlinkSync(join(outside, "f"), join(root, "lf"));
    const { side } = place({ cwd: base, policy: { roots: [root], secretsAllowed: false } });
    expect(await readAll(side.read("root/f", 0))).toBe("in");
    for (const path of ["outside/f", "root/l/f", "root/lf", "root/../outside/f"]) {
      expect(await codeOf(readAll(side.read(path, 0)))).toBe("POLICY_DENIED");
      expect(await codeOf(side.write(path, "", stream("x"), 0, plain))).toBe("POLICY_DENIED");
    }
    const error = await side.look("outside").catch((thrown) => thrown);
    expect(error.hint).toContain("--local-root");
    const none = place({ cwd: base, policy: { roots: [], secretsAllowed: true } }).side;
    expect(await codeOf(none.look("root/f"))).toBe("POLICY_DENIED");
  });
});

describe("outside of a client's folders", () => {
  test("nothing tells what is there", async () => {
    const { base, root, outside } = place();
    writeFileSync(join(outside, "there"), "");
    mkdirSync(join(outside, "d"));
    symlinkSync(join(outside, "none"), join(root, "dangling"));
    symlinkSync(join(outside, "there"), join(root, "leads"));
    const { side } = place({ cwd: base, policy: { roots: [root], secretsAllowed: false } });
    const said = async (path: string): Promise<string> => {
      const all = [side.look(path), readAll(side.read(path, 0)), side.write(path, "", stream("x"), 0, plain)];
      const failures = await Promise.all(all.map((one) => one.catch((thrown) => thrown)));
      return failures.map((one) => `${one?.code}: ${one?.message}`.replaceAll(`"${path}"`, "PATH")).join("; ");
    };
    const expected = await said("outside/there");
    expect(expected).toMatch(/^(POLICY_DENIED: PATH is outside[^;]*(; )?){3}$/);
    for (const path of ["outside/none", "outside/d", "outside/none/none", "outside/there/none", "none/none"]) {
      expect(await said(path)).toBe(expected);
    }
    for (const path of ["root/dangling", "root/leads", "root/dangling/x", "root/leads/x", "root/../outside/none"]) {
      expect(await said(path)).toBe(expected);
    }
    // Inside, it is said.
    expect(await side.look("root/none")).toBeNull();
    expect(await side.look("root/none/none")).toBeNull();
    expect(await codeOf(readAll(side.read("root/none/none", 0)))).toBe("NOT_FOUND");
  });
});

test("what a call names as a source is neither written to nor removed", async () => {
  const { base, root, outside } = place();
  writeFileSync(join(root, "f"), "mine");
  const { side } = place({ cwd: base, operands: ["root", "outside"], writable: ["outside"] });
  expect(await codeOf(side.write("root", "f", stream("x"), 0, plain))).toBe("POLICY_DENIED");
  expect(await codeOf(writeAll(side, "root", [small("f")]).then(({ failed }) => Promise.reject(failed[0])))).toBe(
    "POLICY_DENIED",
  );
  expect(await codeOf(side.makeDirectory("root", "d", null))).toBe("POLICY_DENIED");
  expect(await codeOf(side.symlink("root", "l", "f"))).toBe("POLICY_DENIED");
  expect(await codeOf(side.change("root", "f", { mode: 0 }))).toBe("POLICY_DENIED");
  expect(await codeOf(side.remove("root", "f"))).toBe("POLICY_DENIED");
  expect(await readAll(side.read("root/f", 0))).toBe("mine");
  await side.write("outside", "f", stream("x"), 0, plain);
  expect(readdirSync(root)).toEqual(["f"]);
  expect(readdirSync(outside)).toEqual(["f"]);
});

test("a model sets no setuid, setgid and sticky bits; a person does where the mode is exact", async () => {
  for (const [policy, is] of [
    [{ roots: null, secretsAllowed: false }, 0o755],
    [{ roots: null, secretsAllowed: true }, 0o7755],
  ] as const) {
    const { root, side } = place({ policy });
    const form = { mode: 0o7755, masked: false, mtime: null };
    await side.write(root, "one", stream("x"), 0, form);
    await writeAll(side, root, [small("many")], form);
    await side.makeDirectory(root, "d", null);
    await side.change(root, "d", { mode: 0o7755 });
    const modes = ["one", "many", "d"].map((name) => statSync(join(root, name)).mode & 0o7777);
    expect(modes).toEqual([is, is, is]);
  }
});

describe("secrets", () => {
  test("stay such when they are named more exactly, or have a second name", async () => {
    const { base } = place();
    const home = join(base, "home");
    for (const path of [".docker", "w/.config/gcloud", ".terraform.d", "plain"])
      mkdirSync(join(home, path), { recursive: true });
    for (const path of [".docker/config.json", "w/.config/gcloud/x", ".terraform.d/credentials.tfrc.json", ".netrc"])
      writeFileSync(join(home, path), "secret");
    linkSync(join(home, ".docker/config.json"), join(home, "plain/c"));
    linkSync(join(home, ".netrc"), join(home, "plain/n"));
    const options = { cwd: home, env: { HOME: home }, policy: { roots: [home], secretsAllowed: false } };
    const { side } = place(options);
    const files = [
      ".docker/config.json",
      ".terraform.d/credentials.tfrc.json",
      "w/.config/gcloud/x",
      "plain/c",
      "plain/n",
    ];
    for (const path of files) expect(await codeOf(readAll(side.read(path, 0)))).toBe("POLICY_DENIED");
    for (const path of files.slice(0, 3)) {
      const denied = place(options).side.write(path, "", stream("x"), 0, plain);
      expect(await codeOf(denied)).toBe("POLICY_DENIED");
    }
    const { found, refused } = await walked(side, "w/.config");
    expect([found, refused.map(({ code }) => code)]).toEqual([{}, ["POLICY_DENIED"]]);
    const paths = async function* () {
      yield ["gcloud/x"];
    };
    const failed: string[] = [];
    for await (const some of side.readMany("w/.config", paths(), ({ code }) => failed.push(code)))
      expect(some).toEqual([]);
    expect(failed).toEqual(["POLICY_DENIED"]);
  });

  test("are told by name in a tree, and neither read nor written", async () => {
    const { base, root } = place();
    mkdirSync(join(root, ".ssh"));
    for (const name of [".ssh/config", ".env", ".env.local", "id_rsa", "x.pem", "fine"])
      writeFileSync(join(root, name), "x");
    writeFileSync(join(root, "hidden"), "-----BEGIN OPENSSH PRIVATE KEY-----\n");
    const { side } = place({ cwd: base, policy: { roots: null, secretsAllowed: false } });
    const { found, refused } = await walked(side, "root");
    expect(Object.keys(found)).toEqual(["fine", "hidden"]);
    expect(refused.map(({ path, code }) => `${path} ${code}`).sort()).toEqual(
      [".env", ".env.local", ".ssh", "id_rsa", "x.pem"].map((path) => `${path} POLICY_DENIED`),
    );
    for (const name of [".ssh/config", ".env", "id_rsa", "x.pem", "hidden"]) {
      expect(await codeOf(readAll(side.read(`root/${name}`, 0)))).toBe("POLICY_DENIED");
    }
    const files = [".ssh/new", ".env", "id_ed25519", "k.key"].map((path) => small(path));
    const { failed } = await writeAll(side, "root", [...files, small("key", "-----BEGIN PRIVATE KEY-----\n")]);
    expect(failed.map(({ code }) => code)).toEqual(Array(5).fill("POLICY_DENIED"));
    expect(await codeOf(side.write("root", ".ssh/authorized_keys", stream("x"), 0, plain))).toBe("POLICY_DENIED");
    expect(await codeOf(side.write("root", "k", stream("-----BEGIN RSA PRIVATE KEY-----\n"), 0, plain))).toBe(
      "POLICY_DENIED",
    );
    const cut = stream("-----BEG", "IN RSA PRIVATE KEY-----\n");
    expect(await codeOf(side.write("root", "k", cut, 0, plain))).toBe("POLICY_DENIED");
    expect(readdirSync(root).filter((name) => name.includes("k") && name !== "id_rsa")).toEqual([]);
    expect(await codeOf(side.remove("root", ".ssh"))).toBe("POLICY_DENIED");
  });

  test("of a home stay such under another name, through links", async () => {
    const { base } = place();
    mkdirSync(join(base, "home/.aws/deep"), { recursive: true });
    writeFileSync(join(base, "home/.aws/deep/credentials"), "secret");
    symlinkSync(join(base, "home/.aws/deep"), join(base, "innocent"));
    const { side } = place({
      cwd: base,
      env: { HOME: join(base, "home") },
      policy: { roots: [base], secretsAllowed: false },
    });
    for (const path of ["innocent/credentials", "home/.aws/deep/credentials", "innocent"]) {
      expect(await codeOf(side.look(path))).toBe("POLICY_DENIED");
    }
    renameSync(join(base, "home/.aws"), join(base, "home/plain"));
    expect(await codeOf(walked(side, "home/plain/deep"))).toBe("POLICY_DENIED");
  });
});
