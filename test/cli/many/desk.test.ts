/** Lines of several hosts while a person is asked for one of them. */
import { expect, test } from "bun:test";
import { makeDesk } from "../../../src/cli/many/desk.ts";
import { PrefixedLines } from "../../../src/cli/many/prefixed-lines.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const shownBy = () => {
  const shown: string[] = [];
  const sink = { write: async (chunk: Uint8Array) => void shown.push(new TextDecoder().decode(chunk)) };
  return { shown, sink };
};

test("a question keeps no line waiting, and none is shown in the middle of it", async () => {
  const { shown, sink } = shownBy();
  const desk = makeDesk({ stdout: sink, stderr: sink }, () => undefined);
  const typed = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const first = desk.question(async () => {
    shown.push("password: ");
    asked.resolve();
    await typed.promise;
    return "secret";
  });
  const second = desk.question(async () => void shown.push("another: "));
  await asked.promise;
  const lines = new PrefixedLines("web: ", { write: (chunk) => desk.line(sink, chunk) }, true);
  // Taken at once: its writer would wait for the person else.
  for (const line of ["one\n", "two\n"]) await lines.write(bytes(line));
  expect(shown).toEqual(["password: "]);
  typed.resolve();
  expect(await first).toBe("secret");
  await second;
  await desk.line(sink, bytes("three\n"));
  expect(shown).toEqual(["password: ", "web: one\n", "web: two\n", "another: ", "three\n"]);
});

test("beyond the limit lines wait, and none overtakes another", async () => {
  const { shown, sink } = shownBy();
  const desk = makeDesk({ stdout: sink, stderr: sink }, () => undefined, 4);
  const typed = Promise.withResolvers<void>();
  const asking = desk.question(() => typed.promise);
  await desk.line(sink, bytes("1234"));
  let taken = 0;
  const later = ["5", "6"].map((one) => desk.line(sink, bytes(one)).then(() => taken++));
  await new Promise((resolve) => setImmediate(resolve));
  expect([taken, shown]).toEqual([0, []]);
  typed.resolve();
  await asking;
  await Promise.all(later);
  expect(shown.join("")).toBe("123456");
});

test("held lines that cannot be shown are no failure of the question", async () => {
  const broken = new Error("EPIPE");
  const failures: unknown[] = [];
  const sink = { write: () => Promise.reject(broken) };
  const desk = makeDesk({ stdout: sink, stderr: sink }, (thrown) => failures.push(thrown));
  const answer = desk.question(async () => {
    await desk.line(sink, bytes("x"));
    return "secret";
  });
  expect(await answer).toBe("secret");
  expect(failures).toEqual([broken]);
});
