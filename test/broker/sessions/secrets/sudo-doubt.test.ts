/** What becomes of a password whose command ended before sudo had said whether it is right. */
import { expect, test } from "bun:test";
import { type BecomeParts, nameFor } from "../../../../src/broker/sessions/become-passwords.ts";
import { NamedTurns } from "../../../../src/broker/sessions/named-turns.ts";
import { type Attempt, becoming } from "../../../../src/broker/sessions/session-become.ts";
import type { SessionFacts } from "../../../../src/broker/sessions/session-facts.ts";
import { SessionSecrets } from "../../../../src/broker/sessions/session-secrets.ts";
import { SshMcpError } from "../../../../src/core/errors.ts";
import { PasswordRefused } from "../../../../src/ssh/commands/become-errors.ts";
import { callOf } from "../sessions.ts";

const root = { by: "sudo" as const, user: "root" };

/** A session that holds a password. */
const holding = () => {
  const secrets = new SessionSecrets(() => 0);
  const resolved = { host: "127.0.0.1", port: 22, user: "me" };
  const facts = { name: "web", resolved } as SessionFacts;
  const turns = new NamedTurns();
  const parts: BecomeParts = { facts, secrets, place: "here", typedHost: "web", turns, hintPrefix: "" };
  const name = nameFor("me", parts);
  secrets.hold(name, "right");
  const run = (attempt: Attempt) => becoming(root, parts, callOf(), attempt).catch((error: unknown) => error);
  const wasRefused = (): boolean => secrets.wasRefused(name, "right");
  return { run, wasRefused, accept: () => secrets.accept(name, "right") };
};

const lost = new SshMcpError("CONNECTION_LOST", "the connection was lost");
/** Given its password, and ended by this. */
const endedBy =
  (error: SshMcpError): Attempt =>
  async (password) => {
    password?.told?.("given");
    throw error;
  };

test("one that was right has one more try when nobody knows, however many calls ended so at once", async () => {
  const { run, accept, wasRefused } = holding();
  accept();
  expect(await Promise.all([run(endedBy(lost)), run(endedBy(lost))])).toEqual([lost, lost]);
  expect(wasRefused()).toBe(false);
  await run(endedBy(lost));
  expect(wasRefused()).toBe(true);
});

test("one that was right is sent no more once sudo refused it, and one that was not known to be not once nobody knows", async () => {
  const known = holding();
  known.accept();
  expect(await known.run(endedBy(new PasswordRefused(root)))).toMatchObject({ code: "AUTH_FAILED" });
  expect(known.wasRefused()).toBe(true);
  const unknown = holding();
  await unknown.run(endedBy(lost));
  expect(unknown.wasRefused()).toBe(true);
});
