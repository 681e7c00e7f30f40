import { expect, test } from "bun:test";
import { getEventListeners } from "node:events";
import { Prompts } from "../../../src/broker/process/prompts.ts";
import { loginQuestion } from "./fake-operations.ts";

const way = (): { said: string[]; prompts: Prompts } => {
  const said: string[] = [];
  const prompts = new Prompts(true, {
    send: ({ prompt }) => said.push(`ask ${prompt}`),
    withdraw: (prompt) => said.push(`withdraw ${prompt}`),
  });
  return { said, prompts };
};

test("a question that was withdrawn before it was asked is not asked", async () => {
  const { said, prompts } = way();
  await expect(prompts.ask(loginQuestion, AbortSignal.abort())).rejects.toMatchObject({ code: "CANCELED" });
  expect(said).toEqual([]);
});

test("a question that is over, whatever its end, listens no more to be withdrawn", async () => {
  const { said, prompts } = way();
  const { signal } = new AbortController();
  const listeners = (): number => getEventListeners(signal, "abort").length;
  const answered = prompts.ask(loginQuestion, signal);
  const declined = prompts.ask(loginQuestion, signal);
  expect(listeners()).toBe(2);
  prompts.answer(1, "yes");
  prompts.answer(2, null);
  expect(await answered).toBe("yes");
  expect(await declined.catch((thrown) => thrown)).toMatchObject({ code: "AUTH_REQUIRED" });
  expect(listeners()).toBe(0);
  expect(said).toEqual(["ask 1", "ask 2"]);
});

test("an open question that is withdrawn is taken back, once", async () => {
  const { said, prompts } = way();
  const controller = new AbortController();
  const asked = prompts.ask(loginQuestion, controller.signal);
  controller.abort();
  expect(await asked.catch((thrown) => thrown)).toMatchObject({ code: "CANCELED" });
  prompts.answer(1, "late");
  expect(said).toEqual(["ask 1", "withdraw 1"]);
});
