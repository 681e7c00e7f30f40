/** What is taken for the question for a password, of all that may be said before the command begins: word for word, which no real su would say on demand. */
import { expect, test } from "bun:test";
import type { SshMcpError } from "../../../../src/core/errors.ts";
import { BecomePrologue } from "../../../../src/ssh/commands/become.ts";
import type { OutputStream } from "../../../../src/ssh/commands/channel.ts";
import type { Prologue } from "../../../../src/ssh/commands/prologue.ts";

const inner: Prologue = {
  speak: async () => {},
  heard: (_, chunk) => chunk,
  rest: () => new Uint8Array(0),
  refused: null,
  refusal: () => null,
  doubt: () => null,
};

type Saying = [OutputStream, string];

/** What comes of it when all of this is said, and then the channel closes. */
const play = async (by: "sudo" | "su", says: (mark: string) => Saying[]) => {
  const written: string[] = [];
  const prologue = new BecomePrologue({ by, user: "bob" }, { of: "bob", password: "S3cret" }, inner);
  const spoken = prologue
    .speak(async (bytes) => {
      written.push(Buffer.from(bytes).toString());
    })
    .then(
      () => null,
      (error: SshMcpError) => error,
    );
  const mark = /ssh-mcp-[0-9a-f]{32}/.exec(written[0] ?? "")?.[0] ?? "";
  for (const [stream, text] of says(mark)) prologue.heard(stream, Buffer.from(text));
  const error = prologue.isBegun ? await spoken : prologue.refusal({ code: 1 });
  const { code = null, message = "" } = error ?? {};
  return { answers: written.slice(1), isBegun: prologue.isBegun, code, message };
};
const su = (...rest: Saying[]) =>
  play("su", (mark) => [
    ["stdout", `${mark} asks\n`],
    ["stderr", `${mark} asks\n`],
    ...rest.map(([stream, text]): Saying => [stream, text.replace("MARK", mark)]),
  ]);
const password = ["S3cret\n"];

test.each(["Verification code: ", "New password: ", "Enter bob's old password:", "One-time password: "])(
  "%s is not answered",
  async (prompt) => {
    expect(await su(["stderr", prompt])).toMatchObject({
      answers: [],
      code: "UNSUPPORTED",
      message: expect.stringContaining(prompt.trim()),
    });
  },
);

test("a line that is over asks nothing", async () => {
  expect((await su(["stderr", "You have mail:\n"])).answers).toEqual([]);
  const later = await su(["stderr", "You have mail:\n"], ["stderr", "Password: "], ["stdout", "MARK ok\n"]);
  expect(later).toEqual({ answers: password, isBegun: true, code: null, message: "" });
});

test("in other languages", async () => {
  for (const prompt of ["Mot de passe : ", "Passwort: ", "密码："]) {
    expect((await su(["stderr", prompt], ["stdout", "MARK ok\n"])).answers).toEqual(password);
  }
});

test.each([
  ["elsewhere", "stdout"],
  ["where it was asked for", "stderr"],
] as const)("a greeting behind the right password, %s", async (_, stream) => {
  const pieces: Saying[] = [
    [stream, "\nLast login:"],
    [stream, " Sat Nov 21 on pts/0\n"],
  ];
  expect(await su(["stderr", "Password: "], ...pieces, ["stdout", "MARK ok\n"])).toEqual({
    answers: password,
    isBegun: true,
    code: null,
    message: "",
  });
});

test("asked again with the same words it was wrong, and is not given twice", async () => {
  const again = await su(["stderr", "Password: "], ["stderr", "Sorry\nPassword: "]);
  expect(again).toMatchObject({ answers: password, code: "AUTH_FAILED" });
});

test.each([
  ["su: Authentication failure\n", "AUTH_FAILED"],
  ["su: Échec d'authentification\n", "AUTH_FAILED"],
  ["su: Account expired; contact your system administrator\n", "REMOTE_PERMISSION"],
  ["This account is currently not available.\n", "REMOTE_PERMISSION"],
] as const)("%s", async (said, code) => {
  expect((await su(["stderr", "Password: "], ["stderr", `\n${said}`])).code).toBe(code);
});

test.each([
  ["sudo: 1 incorrect password attempt\n", "AUTH_FAILED"],
  ["sudo: unable to resolve host web\nsudo: 1 incorrect password attempt\n", "AUTH_FAILED"],
  ["bob is not in the sudoers file.\n", "REMOTE_PERMISSION"],
  ["Sorry, user bob is not allowed to execute '/bin/sh' as root on web.\n", "REMOTE_PERMISSION"],
] as const)("%s", async (said, code) => {
  const result = await play("sudo", (mark) => [
    ["stdout", `${mark} asks\n`],
    ["stderr", `${mark} password of bob:`],
    ["stderr", `\n${said}`],
  ]);
  expect(result).toMatchObject({ answers: password, code });
});

test("a password that the server sends back is in no message", async () => {
  const result = await play("sudo", (mark) => [
    ["stdout", `${mark} asks\n`],
    ["stdout", `${mark} password of bob:`],
    ["stdout", "not allowed: S3cret\r\n"],
  ]);
  expect(result.message).toEndWith(": not allowed: …; the command was not run");
});

test("a line without an end, in many pieces, is no work", async () => {
  const flood = Array.from({ length: 60 }, (): Saying => ["stderr", "a".repeat(1000)]);
  expect((await su(...flood, ["stderr", "\nPassword: "])).answers).toEqual(password);
});
