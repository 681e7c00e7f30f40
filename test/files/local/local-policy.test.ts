/** What a call names, what its client's folders hold, and what is secret: nothing else is touched. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
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

describe("secrets", () => {
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
