/** Which questions the sources of a host answer, and what is said when that was wrong: with a command for each, and no server. */
import { expect, test } from "bun:test";
import { SecretSources } from "../../../src/broker/logins/secret-sources.ts";
import { unanswered } from "../../../src/broker/logins/unanswered.ts";
import type { LoginQuestion } from "../../../src/core/question.ts";
import { model } from "../sessions/sessions.ts";

const sourcesWith = (passwordCommand: string | null, batchMode = false, budget = { leftMs: 20_000 }) => {
  const asked: LoginQuestion[] = [];
  /** What a person says, as long as there is one. */
  const answers: string[] = [];
  const sources = new SecretSources(
    {
      settings: { label: null, groups: [], legacy: false, passwordCommand, sudo: false },
      typedHost: "db1",
      resolved: { user: "me", hostname: "db1", port: 22, hostKeyAlias: null, batchMode },
    },
    {
      caller: model(),
      signal: new AbortController().signal,
      variables: async () => ({ PATH: process.env["PATH"] ?? "" }),
      ask: async (question) => {
        asked.push(question);
        const answer = answers.shift();
        if (answer !== undefined) return answer;
        throw unanswered(question);
      },
      isForModels: () => true,
      leave: () => {},
    },
    budget,
  );
  return { asked, answers, sources };
};

const question = (extra: Partial<LoginQuestion>): LoginQuestion => ({
  ...{ kind: "keyboard-interactive", text: "Password: ", echo: false, destination: "me@db1" },
  ...{ wanted: "an answer from a person", connectCommand: "ssh-mcp connect me@db1", isOnlyPrompt: true },
  ...extra,
});

test.each<{ what: string; extra: Partial<LoginQuestion>; isAnswered: boolean }>([
  { what: "a password", extra: { kind: "password", text: "me@db1's password: " }, isAnswered: true },
  { what: "a prompt alone in its round", extra: {}, isAnswered: true },
  { what: "a prompt in another language", extra: { text: "Passwort: " }, isAnswered: true },
  { what: "one of several prompts", extra: { isOnlyPrompt: false }, isAnswered: false },
  { what: "a prompt with echo", extra: { text: "Login: ", echo: true }, isAnswered: false },
  { what: "a code", extra: { text: "Verification code: " }, isAnswered: false },
  { what: "a token", extra: { text: "Token\nEnter OTP: " }, isAnswered: false },
  { what: "a new password", extra: { text: "New password: " }, isAnswered: false },
  {
    what: "the passphrase of a key",
    extra: { kind: "passphrase", text: "Passphrase: ", keyFile: "/k" },
    isAnswered: false,
  },
  {
    what: "a new try",
    extra: { kind: "password", text: "Permission denied, please try again.\nme@db1's password: " },
    isAnswered: true,
  },
  {
    what: "an old password",
    extra: { kind: "password", text: "Expired.\nEnter me@db1's old password: " },
    isAnswered: false,
  },
  { what: "the same word above", extra: { text: "Your code is not needed\nPassword: " }, isAnswered: true },
  { what: "a host key", extra: { kind: "host-key", text: "yes/no? " }, isAnswered: false },
])("passwordCommand and $what", async ({ extra, isAnswered }) => {
  const { asked, sources } = sourcesWith("echo secret");
  const answer = await sources.ask(question(extra)).catch(() => null);
  expect(answer).toBe(isAnswered ? "secret" : null);
  expect(asked.length).toBe(isAnswered ? 0 : 1);
  expect(sources.askedPerson).toBe(false);
});

test.each<{ what: string; next: Partial<LoginQuestion>; code: string }>([
  { what: "the same again was refused", next: {}, code: "AUTH_FAILED" },
  {
    what: "the other method asks for the password",
    next: { kind: "password", text: "me@db1's password: " },
    code: "AUTH_FAILED",
  },
  { what: "a code is the next step", next: { text: "Verification code: " }, code: "AUTH_REQUIRED" },
])("$what", async ({ next, code }) => {
  const { asked, sources } = sourcesWith("echo secret");
  await sources.ask(question({}));
  await expect(sources.ask(question(next))).rejects.toMatchObject({ code });
  expect(asked.length).toBe(1);
});

test("nobody is asked in BatchMode, not about a host key either", async () => {
  const { asked, sources } = sourcesWith(null, true);
  await expect(sources.ask(question({}))).rejects.toMatchObject({ code: "AUTH_REQUIRED" });
  await expect(sources.ask(question({ kind: "host-key" }))).rejects.toMatchObject({ code: "HOST_KEY_UNKNOWN" });
  expect(asked).toEqual([]);
});

test("what only models wait for has one time for all sources of all servers on the way", async () => {
  const budget = { leftMs: 300 };
  const slow = sourcesWith("sleep 300", false, budget);
  await expect(slow.sources.ask(question({}))).rejects.toMatchObject({
    ...{ code: "AUTH_REQUIRED", message: expect.stringContaining("passwordCommand of db1 in config.toml took over ") },
  });
  expect(budget.leftMs).toBeLessThanOrEqual(0);
  const next = sourcesWith("echo secret", false, budget);
  await expect(next.sources.ask(question({}))).rejects.toMatchObject({
    ...{ code: "AUTH_REQUIRED", message: expect.stringContaining("has taken all of the time") },
  });
});

test("leave to do something is no secret", async () => {
  const { sources, answers } = sourcesWith("echo secret");
  answers.push("no");
  const asked = question({ text: "Add key /k to agent? (yes/no) ", echo: true, asksLeave: true });
  expect(await sources.ask(asked)).toBe("no");
  expect(sources.askedPerson).toBe(false);
  answers.push("123");
  expect(await sources.ask(question({ text: "Code: " }))).toBe("123");
  expect(sources.askedPerson).toBe(true);
});
