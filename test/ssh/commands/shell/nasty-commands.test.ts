/** Commands made to break out of a lasting shell's protocol, compared with the same in a fresh shell; what they may end is the shell, never the next command. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { plainSetup } from "../../../../src/ssh/commands/command-setup.ts";
import type { LastingShell } from "../../../../src/ssh/commands/shell/lasting-shell.ts";
import type { Connection } from "../../../../src/ssh/connection.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { startSshd } from "../../../support/sshd.ts";
import { tempDir } from "../../../support/temp.ts";
import { makeUser } from "../../../support/users.ts";
import { open } from "../../open.ts";
import { runIn } from "./run-in.ts";

afterAll(cleanup);

let key: KeyPair;
beforeAll(async () => {
  key = await makeKey();
});

const never = new AbortController().signal;

/** Each of these leaves the shell as it is to be found by the next: a mark may not leak, nor a stream stay redirected. */
const poisons = [
  "echo 'abc",
  'echo "abc',
  "if",
  "fi",
  "( echo",
  "}",
  "echo a; fi",
  "echo $(",
  "echo hi \\",
  "cat <<EOF\nabc",
  "# comment",
  "exec >/dev/null; echo lost",
  "exec 2>&1; echo error >&2",
  "exec </etc/passwd; head -n 1 >/dev/null",
  "exec >&-",
  "exec 2>&-",
  "exec 3>&1 4>&2 9>/dev/null",
  "set -v",
  "set +v",
  "set -u",
  "set +u",
  "IFS=0123456789abcdefsh-",
  "unset IFS",
  "PS1=xxx PS4=yyy PS2=zzz",
  "trap 'echo int' INT TERM",
  "set -C",
  "set -f",
  "set +f",
  "echo() { printf no; }; eval() { printf no; }; printf() { :; }",
  "unset -f echo eval printf",
  "alias echo=false command=false eval=false builtin=false",
  "unalias -a",
  "PATH=/nowhere",
  "PATH=/usr/bin:/bin",
  "cat",
  "read x",
  "true & wait",
];

const shells = ["bash", "dash", "zsh", "mksh", "ksh93", "ash"] as const;

/** Debian installs busybox under its own name alone. */
const busyboxAsh = (): string => {
  const folder = tempDir("busybox");
  chmodSync(folder, 0o755);
  symlinkSync("/bin/busybox", join(folder, "ash"));
  return join(folder, "ash");
};

const userWith = async (shell: (typeof shells)[number]): Promise<Connection> => {
  const path = shell === "ash" ? busyboxAsh() : `/bin/${shell}`;
  const user = await makeUser({ shell: path });
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  return open({ port: sshd.port, user: user.name, keys: [key.path] });
};

describe.each(shells.filter((shell) => existsSync(`/bin/${shell === "ash" ? "busybox" : shell}`)))("in %s", (name) => {
  test("no command poisons the shell for the next", async () => {
    const connection = await userWith(name);
    let shell = await connection.openShell(plainSetup, null, never);
    for (const command of poisons) {
      const ran = await runIn(shell, command, { timeoutMs: 10_000 });
      expect([command, ran.outcome]).toEqual([command, "exited"]);
      expect(ran.stdout + ran.stderr).not.toContain("\x1e");
      // Some shells end over an error that others survive: said by their end, and the next one is as good as new.
      if (!shell.isOpen) shell = await connection.openShell(plainSetup, null, never);
      const next = await runIn(shell, "\\command /bin/echo fine; /bin/echo error >&2; (exit 5)", { timeoutMs: 10_000 });
      expect([command, next.stdout, next.exitCode]).toEqual([command, "fine\n", 5]);
      expect([command, next.stderr.endsWith("error\n")]).toEqual([command, true]);
    }
  });

  test("a trace shows the command and nothing of ours", async () => {
    const connection = await userWith(name);
    const shell = await connection.openShell(plainSetup, null, never);
    await runIn(shell, "set -x");
    const ran = await runIn(shell, "/bin/echo hi");
    expect(ran.stdout).toBe("hi\n");
    // The Korn shells trace redirections too, and there is no way to keep ours apart.
    const expected = name.includes("ksh") ? /^\+ \/bin\/echo hi\n/ : /^\+*[^+\n]*\/bin\/echo hi\n$/;
    expect(ran.stderr).toMatch(expected);
  });
});

/** Pieces that leave no state behind, and say the same in every shell. */
const pieces = [
  ...[
    "printf x",
    "printf '%s\\n' a b",
    "echo 'a  b'",
    "(exit 7)",
    "true",
    "false",
    "cat",
    "echo e >&2",
    "printf '\\036'",
  ],
  ...["echo \"$(printf 'a\\nb')\"", "! true", "( cd / && pwd )", "sh -c 'exit 9'", "printf 'a\\0b'", "seq 3 | sort -r"],
  ...["{ echo g; echo h >&2; }", "echo a | cat >&2", "for i in 1 2; do printf $i; done", "case a in a) echo in;; esac"],
  ...["echo ssh-mcp-", ": # c", "cat <<'E'\n$x 'q' \"d\"\nE", "printf '%s' \"it's\"", "while read l; do echo $l; done"],
];
const joints = ["; ", " && ", " || ", "\n", "\n\n"];

describe("500 random commands", () => {
  test("give the bytes and the status that they give in a fresh sh", async () => {
    const connection = await userWith("dash");
    const shells = await Promise.all([1, 2, 3].map(() => connection.openShell(plainSetup, null, never)));
    // A fixed seed: a failure can be had again.
    let seed = 42;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor((seed / 2_147_483_648) * below);
    };
    const commands = Array.from({ length: 500 }, () => {
      const count = 1 + random(5);
      return Array.from({ length: count }, (_, at) => {
        const piece = pieces[random(pieces.length)] ?? "";
        const joint = /\n|#/.test(piece) ? "\n" : (joints[random(joints.length)] ?? "");
        return at === count - 1 ? piece : piece + joint;
      }).join("");
    });
    const work = async (shell: LastingShell, own: readonly string[]): Promise<void> => {
      for (const command of own) {
        const fresh = Bun.spawn(["dash", "-c", command], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
        const [stdout, stderr] = await Promise.all([fresh.stdout.bytes(), fresh.stderr.bytes()]);
        const ran = await runIn(shell, command, { encoding: "latin1" });
        const expected = [Buffer.from(stdout).toString("latin1"), Buffer.from(stderr).toString("latin1")];
        expect([command, ran.stdout, ran.stderr, ran.exitCode]).toEqual([command, ...expected, await fresh.exited]);
        expect([ran.stdoutBytes, ran.stderrBytes]).toEqual([stdout.length, stderr.length]);
      }
    };
    await Promise.all(
      shells.map((shell, at) =>
        work(
          shell,
          commands.filter((_, index) => index % 3 === at),
        ),
      ),
    );
  });
});
