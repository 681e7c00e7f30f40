import { afterAll, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { cleanup } from "./cleanup.ts";
import { runCommand } from "./command.ts";
import { makeKey } from "./keys.ts";
import { isAlive } from "./processes.ts";
import { sshArguments } from "./ssh.ts";
import { startSshd } from "./sshd.ts";
import { tempDir } from "./temp.ts";
import { makeUser } from "./users.ts";

afterAll(cleanup);

/** ssh asks for a password only through a program: ssh(1), SSH_ASKPASS_REQUIRE. */
const askpass = (password: string) => {
  const program = `${tempDir("ask")}/askpass`;
  Bun.spawnSync(["sh", "-c", 'printf "#!/bin/sh\\necho %s\\n" "$1" >"$2"; chmod 700 "$2"', "sh", password, program]);
  return { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: "force" };
};

const methods = [
  { method: "password", options: ["PasswordAuthentication yes"] },
  { method: "keyboard-interactive", options: ["KbdInteractiveAuthentication yes", "UsePAM yes"] },
];

test.each(methods)(
  "a temporary user logs in by $method, and not with another password",
  async ({ method, options }) => {
    const user = await makeUser({ shell: "/bin/sh" });
    const sshd = await startSshd({ options });
    const login = [`PreferredAuthentications=${method}`, "BatchMode=no", "NumberOfPasswordPrompts=1"];
    const command = [...sshArguments({ ...sshd, user: user.name }, null, login), "id -un; pwd; echo $0"];
    const right = await runCommand(command, { env: askpass(user.password) });
    expect(right).toMatchObject({ status: 0, stdout: `${user.name}\n${user.home}\nsh\n` });
    const wrong = await runCommand(command, { env: askpass("wrong") });
    expect(wrong).toMatchObject({ status: 255, stdout: "" });
  },
);

test("its keys work too, and removing it ends its processes", async () => {
  const user = await makeUser();
  const key = await makeKey();
  const sshd = await startSshd({ authorizedKeys: [key.line] });
  const { stdout } = await runCommand([
    ...sshArguments({ ...sshd, user: user.name }, key),
    "setsid sleep 600 >/dev/null 2>&1 & echo $!",
  ]);
  const sleeper = Number(stdout);
  expect(isAlive(sleeper)).toBe(true);
  await user.remove();
  expect(isAlive(sleeper)).toBe(false);
  expect(existsSync(user.home)).toBe(false);
  expect(readFileSync("/etc/passwd", "utf8")).not.toContain(`${user.name}:`);
});
