/** `hosts add|set|rm` against ssh itself: what they write means to it what was said. */
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { cleanup } from "../../support/cleanup.ts";
import { mustRun } from "../../support/command.ts";
import { makeSmallDisk } from "../../support/small-disk.ts";
import { tempDir } from "../../support/temp.ts";
import { makePlace, modeOf } from "./place.ts";

afterAll(cleanup);
setDefaultTimeout(60_000);

describe("an entry", () => {
  test("is read by ssh as it was said, by itself and by an Include", async () => {
    const place = makePlace("Host mine\n  HostName 192.0.2.1\n");
    const words = ["--host", "192.0.2.7", "--user", "deploy", "-p", "2222", "-i", "/k/my key", "-i", '/k/a"b\\c #'];
    const { status, stderr } = await place.hosts(
      "add",
      "db1",
      ...words,
      "--jump",
      "me@mine:22",
      "--set",
      "Compression=yes",
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(modeOf(place.own)).toBe("600");
    writeFileSync(place.config, `Host mine\n  HostName 192.0.2.1\nMatch all\nInclude ${place.own}\n`);
    for (const file of [place.own, place.config]) {
      const options = await place.oracle("db1", file);
      expect(Object.fromEntries(options)).toMatchObject({
        ...{
          hostname: ["192.0.2.7"],
          user: ["deploy"],
          port: ["2222"],
          compression: ["yes"],
          proxyjump: ["me@mine:22"],
        },
        identityfile: ["/k/my key", '/k/a"b\\c #'],
      });
    }
    // Included, it is one entry still, and nobody else's.
    const { hosts } = await place.json("hosts");
    expect(hosts).toMatchObject([{ name: "mine" }, { name: "db1", origin: `${place.own}:1` }]);
    expect((await place.hosts("set", "db1", "--port", "23")).status).toBe(0);
    expect((await place.oracle("db1")).get("port")).toEqual(["23"]);
  });

  test("is changed and taken out line by line: what a person wrote stays byte for byte", async () => {
    const before = "# mine\r\nHost a b\n  Port 1 # one\n\n\t# odd\nHost z\n\tCompression=yes\n";
    const place = makePlace("", before);
    await place.hosts("add", "db1", "--host", "192.0.2.7");
    expect(place.text()).toBe(`${before}\nHost db1\n    HostName 192.0.2.7\n`);
    await place.hosts("set", "db1", "--user", "u", "--unset", "host");
    expect(place.text()).toBe(`${before}\nHost db1\n    User u\n`);
    expect((await place.hosts("rm", "db1")).status).toBe(0);
    expect(place.text()).toBe(before);
    expect((await place.hosts("rm", "b")).stderr).toContain(`${place.own}:2 is about 2 names, b among them`);
    expect(place.text()).toBe(before);
  });

  test("of a file with the line ends of Windows keeps them, and is shown without", async () => {
    const place = makePlace("", "Host a\r\n  Port 1\r\n");
    const { stdout } = await place.hosts("set", "a", "--port", "4");
    expect(stdout).toBe(`changed a, ${place.own}:\nHost a\n  Port 4\n`);
    expect(place.text()).toBe("Host a\r\n  Port 4\r\n");
  });

  test("that another file names first is refused, with file and line; so is what is not ours to change", async () => {
    const place = makePlace("# x\nHost other\n  HostName 192.0.2.1\n");
    const added = await place.hosts("add", "other", "--host", "192.0.2.2");
    expect(added.status).toBe(1);
    expect(added.stderr).toContain(`other is in ${place.config}:2, which is read first and would win`);
    expect(added.stderr).toContain("[ALREADY_EXISTS]");
    for (const verb of [["rm"], ["set", "--port", "1"]] as const) {
      const [name, ...words] = verb;
      const { status, stderr } = await place.hosts(name, "other", ...words);
      expect(status).toBe(1);
      expect(stderr).toContain(`other is in ${place.config}:2, which is changed by hand alone [NOT_FOUND]`);
      expect(stderr).toContain(`try: vi +2 ${place.config}`);
    }
    expect(place.text()).toBe("");
    await place.hosts("add", "new", "--host", "a");
    expect((await place.hosts("add", "new", "--host", "b")).stderr).toContain(
      `new is in ${place.own}:1 [ALREADY_EXISTS]`,
    );
  });

  test("that another line overrules is written, and the line is named", async () => {
    const place = makePlace("Host *\n  User everybody\n");
    const { status, stderr } = await place.hosts("add", "db1", "--user", "me");
    expect(status).toBe(0);
    expect(stderr).toBe(`ssh-mcp: user of db1 is said by ${place.config}:2 first, which wins\n`);
  });

  test("is not written when the file would be none, and the file stays", async () => {
    const place = makePlace("", "Host a\n  Prot 22\n");
    const { status, stderr } = await place.hosts("add", "db1", "--host", "b");
    expect(status).toBe(1);
    expect(stderr).toContain(`${place.own}:2: there is no keyword "prot"`);
    expect(place.text()).toBe("Host a\n  Prot 22\n");
    const typo = makePlace();
    const wrong = await typo.hosts("add", "db1", "--set", "Port=many");
    expect(wrong.status).toBe(2);
    expect(wrong.stderr).toMatch(/ssh would not take the entry of db1: .*many.* \[INVALID_INPUT\]/);
    expect(typo.text()).toBe("");
  });

  const refused: string[][] = [
    ["a\nHost *", "--host", "x"],
    ["$(touch x)", "--host", "x"],
    ["a*", "--host", "x"],
    ["db1", "--host", "a\nProxyCommand touch x"],
    ["db1", "--host=-oProxyCommand=x"],
    ["db1", "--user", "a;b"],
    ["db1", "--identity-file", "x\nProxyCommand y"],
    ["db1", "--jump", "$(id)"],
    ["db1", "--jump", "db1"],
    ["db1", "--set", "Include=/etc/hosts"],
    ["db1", "--label", "a\nb"],
    ["db1", "--group", "a b"],
  ];
  test("is refused by name when it would say more than one thing", async () => {
    const place = makePlace();
    for (const words of refused) {
      const { status, stderr } = await place.hosts("add", ...words);
      expect({ words, status, stderr }).toMatchObject({
        status: expect.any(Number),
        stderr: expect.stringMatching(/INVALID|USAGE/),
      });
      expect(status).not.toBe(0);
    }
    const { stderr } = await place.hosts("add", "--", "-x");
    expect(stderr).toMatch(/USAGE|INVALID_INPUT/);
    expect(place.text()).toBe("");
  });
});

test("twenty at once lose nothing, whatever process they run in", async () => {
  const place = makePlace("", "# mine\n");
  await place.hosts("ls");
  const names = Array.from({ length: 20 }, (_, index) => `h${index}`);
  const ended = await Promise.all(
    names.map((name, index) =>
      place.hosts(
        "add",
        name,
        "--host",
        `192.0.2.${index}`,
        "--group",
        "all",
        ...(index % 4 === 0 ? ["--no-broker"] : []),
      ),
    ),
  );
  expect(ended.map(({ status, stderr }) => ({ status, stderr }))).toEqual(names.map(() => ({ status: 0, stderr: "" })));
  expect(place.text().startsWith("# mine\n")).toBe(true);
  const { hosts } = (await place.json("hosts", "@all")) as { hosts: { name: string }[] };
  expect(hosts.map(({ name }) => name).sort()).toEqual([...names].sort());
  // Nothing is left of what was written beside it.
  expect(readdirSync(dirname(place.own)).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

test("a link is kept, and a disk that takes nothing leaves the file behind it as it was", async () => {
  const disk = await makeSmallDisk(64 * 1024);
  const file = join(disk.path, "ssh_config");
  writeFileSync(file, "Host a\n  Port 1\n");
  const place = makePlace();
  symlinkSync(file, place.own);
  expect((await place.hosts("add", "b", "--host", "x")).status).toBe(0);
  const written = "Host a\n  Port 1\n\nHost b\n    HostName x\n";
  expect(readFileSync(file, "utf8")).toBe(written);
  expect(lstatSync(place.own).isSymbolicLink()).toBe(true);
  await disk.makeReadOnly();
  const { status, stderr } = await place.hosts("add", "c", "--host", "x");
  expect(status).toBe(1);
  expect(stderr).toContain("ssh_config cannot be written (EROFS) [LOCAL_IO]");
  expect(readFileSync(file, "utf8")).toBe(written);
  expect(readdirSync(disk.path)).toEqual(["ssh_config"]);
});

test("a link to a file that is not there yet is where the file is made, and one into nowhere is refused by name", async () => {
  const place = makePlace();
  const elsewhere = tempDir("dotfiles");
  symlinkSync(elsewhere, join(dirname(place.own), "dotfiles"));
  symlinkSync("dotfiles/ssh_config", place.own);
  symlinkSync("../dotfiles/none/config.toml", join(elsewhere, "config.toml"));
  symlinkSync(join(elsewhere, "config.toml"), place.settings);
  expect((await place.hosts("add", "a", "--host", "x")).status).toBe(0);
  expect(lstatSync(place.own).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(elsewhere, "ssh_config"), "utf8")).toBe("Host a\n    HostName x\n");
  expect(modeOf(join(elsewhere, "ssh_config"))).toBe("600");
  const { status, stderr } = await place.hosts("set", "a", "--label", "l");
  expect(status).toBe(1);
  expect(stderr).toContain(`${place.settings} is a link that cannot be followed to `);
  expect(stderr).toContain("[LOCAL_IO]");
  expect(lstatSync(place.settings).isSymbolicLink()).toBe(true);
});

describe("a label and a group that are to be taken out", () => {
  const settings = '[group.g]\nhosts = ["a", "b"]\n[host.b]\ngroups = ["web", "g"]\nlabel = "l"\n';

  test("and that nobody said are an error, and nothing is written", async () => {
    const place = makePlace("", "Host a\nHost b\nHost c\n    Port 1\n");
    writeFileSync(place.settings, settings, { mode: 0o600 });
    for (const [name, what] of [
      ["a", "label"],
      ["c", "label"],
      ["c", "group"],
    ] as const) {
      const { status, stdout, stderr } = await place.hosts("set", name, "--unset", what, "--port", "22");
      expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
      expect(stderr).toContain(`"${name}" has no ${what} [NOT_FOUND]`);
    }
    const listed = await place.hosts("set", "a", "--unset", "group");
    expect(listed.status).toBe(1);
    expect(listed.stderr).toBe(
      `ssh-mcp: a is in @g by the list of [group.g] in ${place.settings}:1, which is changed by hand [PRECONDITION_FAILED]\n  try: vi +1 ${place.settings}\n`,
    );
    expect(readFileSync(place.settings, "utf8")).toBe(settings);
    expect(place.text()).toBe("Host a\nHost b\nHost c\n    Port 1\n");
  });

  test("leave the lists of groups, which is said", async () => {
    const place = makePlace("", "Host a\nHost b\n");
    writeFileSync(place.settings, settings, { mode: 0o600 });
    const note = `ssh-mcp: b is still in @g by the list of [group.g] in ${place.settings}:1\n`;
    const unset = await place.hosts("set", "b", "--unset", "group");
    expect(unset).toMatchObject({ status: 0, stderr: note });
    expect(readFileSync(place.settings, "utf8")).not.toContain("web");
    expect((await place.hosts("set", "b", "--unset", "label")).stderr).toBe("");
    expect(await place.hosts("rm", "b")).toMatchObject({ status: 0, stderr: note });
    expect((await place.hosts("rm", "a")).status).toBe(0);
  });
});

test("what is no file is refused and not waited for", async () => {
  const place = makePlace();
  await mustRun(["mkfifo", place.own]);
  const { status, stderr } = await place.hosts("add", "a", "--host", "b");
  expect(status).toBe(1);
  expect(stderr).toContain(`${place.own} is not a file [CONFIG_INVALID]`);
});
