// biome-ignore-all lint/suspicious/noTemplateCurlyInString: ssh_config writes its variables so
/** What cannot be read is refused by file, line and reason, with ssh as the witness that it refuses too. */
import { afterAll, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { resolveHost } from "../../../../src/config/ssh-config/resolve.ts";
import type { SshMcpError } from "../../../../src/core/errors.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { tempDir } from "../../../support/temp.ts";
import { environment, request } from "../requests.ts";
import { thrownBy } from "../thrown.ts";
import { values } from "./config-lines.ts";
import { askSsh, askUs } from "./ssh-oracle.ts";

afterAll(cleanup);

const folder = tempDir("bad-config");

const refusal = (file: string, more: Partial<Parameters<typeof request>[1]> = {}): SshMcpError =>
  thrownBy(() => resolveHost(request("web1", { configFile: file, ...more }), environment(null)));

const fileOf = (text: string, name = "config"): string => {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
};

describe("a malformed line", () => {
  const bad = Object.entries(values).flatMap(([keyword, { bad }]) => bad.map((value) => `${keyword} ${value}`.trim()));
  const others = [
    "Bogus yes",
    "Port",
    'Host ""',
    "Match",
    "Match host",
    "Match nothing x",
    "Match all host x",
    "Include",
    "HostName %z",
  ];

  test.each([...bad, ...others])("%s is refused by file, line and reason, in a file and with -o", (line) => {
    const file = fileOf(`# first\n\n\t${line}\nPort 5\n`);
    const { code, message, hint } = refusal(file);
    expect({ code, hint }).toEqual({ code: "CONFIG_INVALID", hint: `vi +3 ${file}` });
    expect(message).toStartWith(`${file}:3: `);
    // A reason, in words: what was written, or what would have to be.
    expect(message.slice(file.length + 4)).toMatch(/\w+ \w+ /);
    const given = thrownBy(() => resolveHost(request("web1", { options: [line] }), environment(null)));
    expect(given.code).toMatch(/^(INVALID_INPUT|UNSUPPORTED)$/);
    expect(given.message).toStartWith("-o");
  });

  test("the first of several is named", () => {
    expect(refusal(fileOf("Port 1\nPort x\nUser a b\n")).message).toContain("config:2: ");
    expect(refusal(fileOf("Port x\nUser 'a\n")).message).toContain("config:1: ");
  });

  test("control characters do not reach the message", () => {
    const { message } = refusal(fileOf("Bog\u001b[31mus yes\n"));
    expect(message).not.toContain("\u001b");
    expect(refusal(fileOf("Port \u001b]0;x\u0007\n")).message).not.toContain("\u001b");
  });
});

describe("a file", () => {
  test("that includes itself is refused where it does so, as too deep", async () => {
    const file = fileOf(`Port 5\nInclude ${join(folder, "loop")}\n`, "loop");
    const { code, message } = refusal(file);
    expect(code).toBe("CONFIG_INVALID");
    expect(message).toStartWith(`${file}:2: files include each other more than 16 deep`);
    expect(await askSsh({ file, host: "web1" })).toEqual({ refused: null });
  });

  test("that two files include from each other is refused likewise", () => {
    const other = join(folder, "b");
    const file = fileOf(`Include ${other}\n`, "a");
    writeFileSync(other, `\n\nInclude ${file}\n`);
    expect(refusal(file).message).toMatch(/^\/.*\/[ab]:[13]: files include each other more than 16 deep/);
  });

  test.each(["missing", "folder", "link-to-itself", "x".repeat(300)])("-F %s is refused", async (name) => {
    const path = join(folder, name);
    if (name === "folder") mkdirSync(path, { recursive: true });
    if (name === "link-to-itself") symlinkSync(name, path);
    const { code, message, hint } = refusal(path);
    expect(code).toBe("CONFIG_INVALID");
    expect(message).toContain(path);
    expect(hint).toStartWith("ls -l");
    // ssh reads a folder as an empty file; whoever names one means something else.
    const accepts = "lines" in (await askSsh({ file: path, host: "web1" }));
    expect(accepts).toBe(name === "folder");
  });

  test("that others may write to is refused where ssh looks at that: the user's own, and what is included", async () => {
    const env = environment("Port 5\n");
    const own = join(env.home, ".ssh/config");
    const ask = () => resolveHost(request("web1"), env);
    chmodSync(own, 0o602);
    const { code, message, hint } = thrownBy(ask);
    expect({ code, hint }).toEqual({ code: "CONFIG_INVALID", hint: `chmod go-w ${own}` });
    expect(message).toStartWith(`${own} may be written by others`);
    chmodSync(own, 0o600);
    expect(ask().port).toBe(5);
    if (process.getuid?.() === 0) {
      chownSync(own, 65_534, 65_534);
      expect(thrownBy(ask).message).toContain("belongs to another user");
    }

    const included = fileOf("Port 6\n", "included");
    chmodSync(included, 0o666);
    const file = fileOf(`\nInclude ${included}\n`, "including");
    expect(refusal(file).message).toStartWith(`${file}:2: ${included} may be written by others`);
    expect(await askSsh({ file, host: "web1" })).toEqual({ refused: null });
  });

  test("that -F names may be anybody's, as in ssh, as long as it has nothing run", async () => {
    const file = fileOf("Port 7\n", "anybodys");
    chmodSync(file, 0o666);
    expect((await askUs({ file, host: "web1" })).host?.port).toBe(7);
    writeFileSync(file, "Match exec true\n Port 7\n");
    const answer = await askUs({ file, host: "web1" });
    expect(answer.host).toBeNull();
    expect(answer.message).toStartWith(`${file}:1: `);
  });
});

describe("what ssh -G lets pass and we refuse at once", () => {
  test.each([
    ["ProxyJump a b", "ssh would run a command of two words"],
    ["ProxyJump $(id)", "ssh hands it to a shell"],
    ["ProxyJump 'a'", "a shell takes the quotes away"],
    ["ProxyCommand nc %z", "ssh refuses when it connects"],
    ["IdentityFile /%z", "ssh refuses when it connects"],
    ["IdentityFile /${NOT_SET}", "ssh refuses when it connects"],
    ["CertificateFile ~nobody-here/c", "ssh refuses when it connects"],
  ])("%s: %s", async (line) => {
    const file = fileOf(`${line}\n`);
    expect(await askSsh({ file, host: "web1" })).toHaveProperty("lines");
    const { host, message } = await askUs({ file, host: "web1" });
    expect(host).toBeNull();
    expect(message).toStartWith(`${file}:1: `);
  });
});

describe("a name on the command line", () => {
  test.each(["$(id)", "a;b", "a\nb", "-x", "a b", "`id`", "a|b", "a'b", 'a"b', "a\\b", "a,b", "a\u0007"])(
    "the host %j is refused before anything is read",
    async (host) => {
      const file = fileOf("Match exec false\n");
      const error = thrownBy(() => resolveHost(request(host, { configFile: file }), environment(null)));
      expect(error.code).toBe("INVALID_INPUT");
      expect(await askSsh({ file, host })).toEqual({ refused: null });
    },
  );

  test.each(["-x", "a;b", "a|b", "a\nb", "a -b", "a\\", "`id`"])("the user %j is refused", async (user) => {
    const error = thrownBy(() => resolveHost(request("web1", { user, configFile: "none" }), environment(null)));
    expect(error.code).toBe("INVALID_INPUT");
    expect(await askSsh({ file: "none", host: "web1", user })).toEqual({ refused: null });
  });
});
