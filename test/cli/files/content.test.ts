/** `cat`, `write` and `edit` as a person and a script have them: by the compiled binary and a real sshd. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Home, makeHome } from "../../faces/home.ts";
import { buildOnce, run, start } from "../../support/binary.ts";
import { cleanup } from "../../support/cleanup.ts";
import { startProgram } from "../../support/program.ts";
import { startSshd } from "../../support/sshd.ts";
import { tempDir } from "../../support/temp.ts";
import { startInTerminal } from "../../support/terminal.ts";
import { waitFor } from "../../support/wait.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

let home: Home;
/** On the server, which is this machine. */
let dir: string;
/** For editors' copies. */
let copies: string;
beforeAll(async () => {
  home = await makeHome();
  dir = tempDir("remote");
  copies = tempDir("copies");
  const sshd = await startSshd({ authorizedKeys: [home.key.line] });
  home.trust(sshd.knownHosts());
  home.configure(`Host h\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${sshd.user}\n`);
  expect((await ssh(["connect", "h"])).status).toBe(0);
});

const ssh = (words: readonly string[], stdin?: string | Uint8Array) =>
  run(words, { home: home.path, ...(stdin === undefined ? {} : { stdin }) });
const at = (name: string): string => join(dir, name);
const on = (name: string): string => `h:${at(name)}`;
const put = (name: string, content: string | Uint8Array): void => writeFileSync(at(name), content);
const content = (name: string): string => readFileSync(at(name), "utf8");
const sha256 = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

describe("cat", () => {
  test("prints several files, byte for byte, and goes on after one that it cannot read", async () => {
    put("a", "a\n");
    put("b", new Uint8Array([0x62, 0, 0x0a]));
    const all = await ssh(["cat", on("a"), on("nowhere"), on("b")]);
    expect(all).toMatchObject({ status: 1, stdout: "a\nb\0\n", stderr: expect.stringContaining("[NOT_FOUND]") });
    expect(await ssh(["cat", on("a"), on("b")])).toMatchObject({ status: 0, stderr: "" });
  });

  test("prints parts, and numbers", async () => {
    put("ten", Array.from({ length: 10 }, (_, index) => `${index + 1}\n`).join(""));
    expect((await ssh(["cat", "-n", "--start-line", "9", on("ten")])).stdout).toBe("     9\t9\n    10\t10\n");
    expect((await ssh(["cat", "--tail", "2", on("ten")])).stdout).toBe("9\n10\n");
  });

  test("with --json gives one document", async () => {
    put("a", "a\n");
    const { stdout } = await ssh(["cat", "--json", on("a")]);
    expect(JSON.parse(stdout)).toMatchObject({ target: "h", content: "a\n", size: 2, sha256: sha256("a\n") });
  });

  test("names the file that a document is not of", async () => {
    put("a", "a\n");
    const { stdout } = await ssh(["cat", "--json", on("nowhere"), on("a")]);
    const documents = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(documents).toMatchObject([
      { target: "h", path: at("nowhere"), error: { code: "NOT_FOUND" } },
      { target: "h", path: at("a"), content: "a\n" },
    ]);
  });

  test("takes a name that is no UTF-8, by its bytes and as it is written out", async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${dir}/b`), Buffer.from([0xff, 0xfe])]), "odd\n");
    expect(await ssh(["cat", `${on("b")}\\udcff\\udcfe`])).toMatchObject({ status: 0, stdout: "odd\n" });
    // As a shell's completion has it.
    const typed = ["bash", "-c", `exec "$0" cat ${on("b")}$'\\xff\\xfe'`, buildOnce()];
    expect(await startProgram(typed, { home: home.path }).exit()).toMatchObject({ status: 0, stdout: "odd\n" });
  });

  test("streams what is large to a slow reader, and ends when nobody reads", async () => {
    put("large", Buffer.alloc(30_000_000, "0123456789abcdef"));
    const line = `ssh-mcp cat ${on("large")} | { sleep 0.3; sha256sum; }; ssh-mcp cat ${on("large")} | head -c 3; echo " done"`;
    const shell = home.type(line);
    await shell.exit();
    expect(shell.text()).toContain(sha256(readFileSync(at("large"))));
    expect(shell.text()).toEndWith("012 done\n");
  });

  test("does nothing to a terminal", async () => {
    put("hostile", "\x1b]0;title\x07\n");
    const terminal = startInTerminal(["cat", on("hostile")], { home: home.path });
    expect(await terminal.exit()).toBe(0);
    expect(terminal.raw()).toBe("\\x1b]0;title\x07\r\n");
  });

  test("says of a directory how to list it", async () => {
    expect((await ssh(["cat", on("")])).stderr).toContain(`try: ssh-mcp ls ${on("")}`);
  });
});

describe("write", () => {
  test("takes standard input, of any size and kind", async () => {
    const bytes = Buffer.alloc(5_000_000, new Uint8Array([0, 255, 10, 13]));
    const { status, stdout } = await ssh(["write", "--json", on("w")], bytes);
    expect([status, JSON.parse(stdout)]).toMatchObject([
      0,
      { bytes: bytes.length, created: true, sha256: sha256(bytes) },
    ]);
    expect(readFileSync(at("w")).equals(bytes)).toBe(true);
    expect((await ssh(["write", on("w")], "")).stdout).toStartWith("wrote ");
    expect(content("w")).toBe("");
  });

  test("that is interrupted leaves the old file, and nothing beside it", async () => {
    put("kept", "old\n");
    const before = readdirSync(dir).length;
    const writing = start(["write", on("kept")], { home: home.path });
    await writing.write("half of it");
    await waitFor(() => (readdirSync(dir).length > before ? true : null), { what: "the file beside it" });
    writing.signal("SIGINT");
    expect((await writing.exit()).status).toBe(130);
    await waitFor(() => (readdirSync(dir).length === before ? true : null), { what: "the file beside it to go" });
    expect(content("kept")).toBe("old\n");
  });

  test("at a terminal says how the input ends", async () => {
    const terminal = startInTerminal(["write", on("typed")], { home: home.path });
    await terminal.waitFor("Ctrl-D");
    terminal.type("hello\r\x04");
    expect(await terminal.exit()).toBe(0);
    expect(content("typed")).toBe("hello\n");
  });

  test("refuses by its conditions", async () => {
    put("x", "1");
    expect(await ssh(["write", "--if-absent", on("x")], "2")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("[ALREADY_EXISTS]"),
    });
    const other = ["write", "--if-sha256", sha256("0"), on("x")];
    expect((await ssh(other, "2")).stderr).toContain(sha256("1"));
    expect(content("x")).toBe("1");
  });
});

/** An editor that is a script, with the copy as `$1`. */
const editor = (script: string): Record<string, string> => {
  const path = join(tempDir("editor"), "editor");
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return { VISUAL: "", EDITOR: `${path} --flag`, TMPDIR: copies };
};

const inTerminal = async (words: readonly string[], env: Record<string, string>) => {
  const terminal = startInTerminal(words, { home: home.path, env, columns: 400 });
  const status = await terminal.exit();
  return { status, text: terminal.text() };
};

describe("edit", () => {
  test("opens an editor, with its arguments, on a private copy of the same name, and writes it back", async () => {
    put("conf.toml", new Uint8Array([0x61, 0, 0xff, 0x0a]));
    chmodSync(at("conf.toml"), 0o640);
    const facts = at("facts");
    const env = editor(
      `[ "$1" = --flag ] && { ls -ld "$(dirname "$2")"; ls -l "$2"; } >${facts}; printf 'b\\n' >>"$2"`,
    );
    const { status, text } = await inTerminal(["edit", on("conf.toml")], env);
    expect([status, text]).toEqual([0, expect.stringContaining("wrote ")]);
    expect([...readFileSync(at("conf.toml"))]).toEqual([0x61, 0, 0xff, 0x0a, 0x62, 0x0a]);
    expect(statSync(at("conf.toml")).mode & 0o777).toBe(0o640);
    expect(content("facts")).toMatch(/^drwx------[\s\S]*-rw-------.*\/conf\.toml\n$/);
    expect(readdirSync(copies)).toEqual([]);
  });

  test("writes nothing when nothing was changed, or the editor failed", async () => {
    put("x", "a\n");
    const before = statSync(at("x")).ino;
    expect(await inTerminal(["edit", on("x")], editor("true"))).toMatchObject({
      status: 0,
      text: expect.stringContaining("was not changed"),
    });
    expect(await inTerminal(["edit", on("x")], editor("exit 3"))).toMatchObject({ status: 1 });
    expect([statSync(at("x")).ino, readdirSync(copies)]).toEqual([before, []]);
  });

  test("keeps the copy when the editor failed after a change, and when somebody else was faster", async () => {
    put("x", "a\n");
    const failed = await inTerminal(["edit", on("x")], editor('echo mine >"$2"; exit 1'));
    expect([failed.status, content("x")]).toEqual([1, "a\n"]);
    const [, copy = ""] = /is kept: (\S+)/.exec(failed.text) ?? [];
    expect(readFileSync(copy, "utf8")).toBe("mine\n");
    expect(failed.text).toContain(`try: ssh-mcp write ${on("x")} <${copy}`);
    const beaten = await inTerminal(["edit", on("x")], editor(`echo mine >"$2"; echo b >${at("x")}`));
    expect([beaten.status, content("x")]).toEqual([1, "b\n"]);
    expect(beaten.text).toContain("[PRECONDITION_FAILED]");
    const [, other = ""] = /is kept: (\S+)/.exec(beaten.text) ?? [];
    expect(readFileSync(other, "utf8")).toBe("mine\n");
  });

  test("opens no other file than the one that was meant", async () => {
    put("notes", "one\n");
    const edit = (meant: string) =>
      inTerminal(["edit", "--if-sha256", sha256(meant), on("notes")], editor('echo two >>"$2"'));
    const stale = await edit("none\n");
    expect([stale.status, stale.text]).toEqual([1, expect.stringContaining("[PRECONDITION_FAILED]")]);
    expect(content("notes")).toBe("one\n");
    expect((await edit("one\n")).status).toBe(0);
    expect(content("notes")).toBe("one\ntwo\n");
  });

  test("makes a file that is not there, unless the editor leaves none", async () => {
    expect(await inTerminal(["edit", on("made")], editor('echo new >"$2"'))).toMatchObject({ status: 0 });
    expect(content("made")).toBe("new\n");
    expect(await inTerminal(["edit", on("unmade")], editor("true"))).toMatchObject({ status: 0 });
    expect(existsSync(at("unmade"))).toBe(false);
  });

  test("without a terminal says what else there is", async () => {
    const { status, stderr } = await ssh(["edit", on("x")]);
    expect([status, stderr]).toEqual([2, expect.stringContaining("--diff FILE")]);
  });

  test("reads no more of a diff than any has", async () => {
    put("endless", "one\n");
    const endless = await ssh(["edit", on("endless"), "--diff", "/dev/zero"]);
    expect(endless).toMatchObject({ stderr: expect.stringContaining("[TOO_LARGE]") });
    expect(content("endless")).toBe("one\n");
  });

  test("applies a diff from a file or standard input, and edits in JSON", async () => {
    put("d", "a\nb\n");
    const diff = "@@ -1,2 +1,2 @@\n a\n-b\n+c\n";
    expect((await ssh(["edit", on("d"), "--diff", "-", "--dry-run"], diff)).stdout).toContain("would change");
    expect(content("d")).toBe("a\nb\n");
    put("patch", diff);
    expect((await ssh(["edit", on("d"), "--diff", at("patch")])).stdout).toContain("\n-b\n+c\n");
    const edits = ["--edits", '{"old":"a","new":"x"}', "--edits", '{"old":"c","new":"y"}'];
    expect(await ssh(["edit", on("d"), ...edits])).toMatchObject({ status: 0 });
    expect(content("d")).toBe("x\ny\n");
    expect(await ssh(["edit", on("d"), "--edits", "[]"])).toMatchObject({ status: 2 });
  });
});
