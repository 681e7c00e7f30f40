/** One login that several wait for: who is asked, who is sent away, and with what. */
import { describe, expect, test } from "bun:test";
import type { DialScope } from "../../../src/broker/logins/dial.ts";
import { SharedDial } from "../../../src/broker/logins/shared-dial.ts";
import type { LoginQuestion } from "../../../src/core/question.ts";
import { waitFor } from "../../support/wait.ts";
import { type Call, callOf, model, Person } from "../sessions/sessions.ts";

const password: LoginQuestion = {
  kind: "password",
  text: "me@web's password: ",
  echo: false,
  destination: "me@web",
  wanted: "a password",
  connectCommand: "ssh-mcp connect me@web",
};
const hostKey: LoginQuestion = { ...password, kind: "host-key", text: "yes or no? ", wanted: "ssh-ed25519 SHA256:x" };

/** A login that begins to ask when it is told to, and ends with the answers. */
const login = (first: Call, questions = [password], patienceMs?: number) => {
  const begun = Promise.withResolvers<void>();
  let canceled = false;
  const dial = new SharedDial(
    first,
    async (scope: DialScope) => {
      scope.signal.addEventListener("abort", () => {
        canceled = true;
      });
      await begun.promise;
      const answers: string[] = [];
      for (const question of questions) answers.push(await scope.ask(question));
      return answers.join();
    },
    patienceMs,
  );
  return { dial, begin: begun.resolve, canceled: () => canceled };
};

/** A join whose failure is looked at later. */
const joined = (dial: SharedDial<string>, call: Call): Promise<string> => {
  const result = dial.join(call);
  result.catch(() => {});
  return result;
};

describe("a question", () => {
  test("goes to who has waited longest of those that can be asked; the others hear of it once, and get the result", async () => {
    const [first, second] = [new Person(), new Person()];
    const calls = [first.call(), second.call()] as const;
    const { dial, begin } = login(calls[0], [password, password]);
    const results = calls.map((call) => joined(dial, call));
    begin();
    await first.answer("one");
    await first.answer("two");
    expect(await Promise.all(results)).toEqual(["one,two", "one,two"]);
    expect(second.shown).toEqual([]);
    expect(calls.map(({ notices }) => notices)).toEqual([
      [],
      ["logging in to me@web takes a password, which is being asked for at another terminal"],
    ]);
  });

  test("is heard of by who comes while it is open", async () => {
    const [first, late] = [new Person(), new Person()];
    const { dial, begin } = login(first.call(), [hostKey]);
    const call = first.call();
    const result = joined(dial, call);
    begin();
    await first.isAsked();
    const lateCall = late.call();
    const lateResult = joined(dial, lateCall);
    expect(lateCall.notices).toEqual(["the host key of me@web is being confirmed at another terminal"]);
    await first.answer("yes");
    expect(await Promise.all([result, lateResult])).toEqual(["yes", "yes"]);
  });

  test("sends away who cannot be asked, at once, while the login goes on", async () => {
    const person = new Person();
    const agent = callOf({ caller: model() });
    const { dial, begin } = login(agent);
    const agents = joined(dial, agent);
    const persons = joined(dial, person.call());
    begin();
    await expect(agents).rejects.toMatchObject({
      code: "AUTH_REQUIRED",
      hint: "ssh-mcp connect me@web",
      retryable: true,
    });
    await person.answer("secret");
    expect(await persons).toBe("secret");
  });

  test("sends away who cannot be asked and comes while it is open: a person is busy with it", async () => {
    const person = new Person();
    const { dial, begin } = login(person.call());
    const persons = joined(dial, person.call());
    begin();
    await person.isAsked();
    await expect(dial.join(callOf({ caller: model() }))).rejects.toMatchObject({
      code: "AUTH_REQUIRED",
      message: expect.stringContaining("a person is being asked for it at a terminal: call again"),
      retryable: true,
    });
    await person.answer("secret");
    expect(await persons).toBe("secret");
  });

  test.each([
    ["a password", password, "AUTH_REQUIRED"],
    ["a host key", hostKey, "HOST_KEY_UNKNOWN"],
  ])(
    "for %s that nobody can be asked fails, and the login decides what becomes of it",
    async (_name, question, code) => {
      const calls = [callOf({ caller: model() }), callOf()] as const;
      const dial = new SharedDial(calls[0], async ({ ask }) => {
        const failure = await ask(question).catch((error) => error);
        return `without: ${failure.code}`;
      });
      expect(await Promise.all(calls.map((call) => dial.join(call)))).toEqual([`without: ${code}`, `without: ${code}`]);
    },
  );

  test("moves on when whoever is asked goes away", async () => {
    const [first, second] = [new Person(), new Person()];
    const call = first.call();
    const { dial, begin, canceled } = login(call);
    const left = joined(dial, call);
    const stays = joined(dial, second.call());
    begin();
    await first.isAsked();
    call.leave();
    await expect(left).rejects.toMatchObject({ code: "CANCELED" });
    await second.answer("secret");
    expect(await stays).toBe("secret");
    expect(canceled()).toBe(false);
    // A late answer of the first is nobody's any more.
    await first.answer("late");
  });

  test("moves on when whoever is asked declines, who fails with it alone", async () => {
    const [first, second] = [new Person(), new Person()];
    const { dial, begin } = login(first.call());
    const declines = joined(dial, first.call());
    const answers = joined(dial, second.call());
    begin();
    await first.answer(null);
    await expect(declines).rejects.toMatchObject({ code: "AUTH_REQUIRED" });
    await second.answer("secret");
    expect(await answers).toBe("secret");
  });

  test("that everybody declines fails for the last one as well", async () => {
    const [first, second] = [new Person(), new Person()];
    const { dial, begin } = login(first.call(), [hostKey]);
    const both = [joined(dial, first.call()), joined(dial, second.call())];
    begin();
    await first.answer(null);
    await second.answer(null);
    for (const result of both) await expect(result).rejects.toMatchObject({ code: "HOST_KEY_UNKNOWN" });
  });

  describe("that is not answered for a while", () => {
    test("is put to the next one as well; the first answer counts, and it is taken back from the other", async () => {
      const [silent, second] = [new Person(), new Person()];
      const { dial, begin } = login(silent.call(), [password], 1);
      const results = [joined(dial, silent.call()), joined(dial, second.call())];
      begin();
      await second.answer("secret");
      expect(await Promise.all(results)).toEqual(["secret", "secret"]);
      expect([silent.shown.length, silent.withdrawn, second.shown.length, second.withdrawn]).toEqual([1, 1, 1, 0]);
    });

    test("may still be answered by the first, and a late answer of the other is dropped", async () => {
      const [first, second] = [new Person(), new Person()];
      const { dial, begin } = login(first.call(), [password], 1);
      const results = [joined(dial, first.call()), joined(dial, second.call())];
      begin();
      await second.isAsked();
      await first.answer("first");
      expect(await Promise.all(results)).toEqual(["first", "first"]);
      expect([first.withdrawn, second.withdrawn]).toEqual([0, 1]);
    });

    test("is put at once to who comes then, and the next question to who has answered", async () => {
      const [silent, late] = [new Person(), new Person()];
      const { dial, begin } = login(silent.call(), [password, password], 200);
      const results = [joined(dial, silent.call())];
      begin();
      await silent.isAsked();
      // Longer than the patience, with nobody else to ask: it is the time that is tried here.
      await Bun.sleep(400);
      results.push(joined(dial, late.call()));
      expect(late.shown).toHaveLength(1);
      await late.answer("one");
      await late.answer("two");
      expect(await Promise.all(results)).toEqual(["one,two", "one,two"]);
      expect([silent.shown.length, silent.withdrawn]).toEqual([1, 1]);
    });

    test("is declined by one of them, and answered by the other", async () => {
      const [silent, second] = [new Person(), new Person()];
      const { dial, begin } = login(silent.call(), [password], 1);
      const results = [joined(dial, silent.call()), joined(dial, second.call())] as const;
      begin();
      await second.answer(null);
      await expect(results[1]).rejects.toMatchObject({ code: "AUTH_REQUIRED" });
      await silent.answer("secret");
      expect(await results[0]).toBe("secret");
    });
  });

  test("is taken back from who is asked when another login has gone through", async () => {
    const person = new Person();
    const { dial, begin, canceled } = login(person.call());
    const result = joined(dial, person.call());
    begin();
    await person.isAsked();
    expect(dial.isAsking).toBe(true);
    dial.finish("from elsewhere");
    expect(await result).toBe("from elsewhere");
    expect([person.withdrawn, canceled(), dial.isAsking, dial.isOver]).toEqual([1, true, false, true]);
  });

  test("is taken back with the login when the last one goes", async () => {
    const person = new Person();
    const call = person.call();
    const { dial, begin, canceled } = login(call);
    const left = joined(dial, call);
    begin();
    await person.isAsked();
    call.leave();
    await expect(left).rejects.toMatchObject({ code: "CANCELED" });
    expect(canceled()).toBe(true);
    expect(dial.isOver).toBe(true);
  });
});

describe("variables", () => {
  const wait = (answer: Promise<Record<string, string>>) => async () => await answer;

  test("are those of who has waited longest, and of the next when that one goes", async () => {
    const never = Promise.withResolvers<Record<string, string>>();
    const first = callOf({ variables: wait(never.promise) });
    const second = callOf({ variables: async (names) => ({ KEYS: "second", asked: String(names) }) });
    const dial = new SharedDial(first, async ({ variables }) => JSON.stringify(await variables(["KEYS"])));
    const left = joined(dial, first);
    const stays = joined(dial, second);
    await waitFor(() => true, { what: "the work to begin" });
    first.leave();
    never.reject(new Error("the client is gone"));
    await expect(left).rejects.toMatchObject({ code: "CANCELED" });
    expect(await stays).toBe('{"KEYS":"second","asked":"KEYS"}');
  });
});

test("it is only for models as long as only models wait", async () => {
  const seen: boolean[] = [];
  const proceed = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const agent = callOf({ caller: model() });
  const dial = new SharedDial(agent, async ({ isForModels }) => {
    for (const { promise } of proceed) {
      await promise;
      seen.push(isForModels());
    }
    return "done";
  });
  const agents = dial.join(agent);
  proceed[0]?.resolve();
  await waitFor(() => seen.length === 1, { what: "the first look" });
  const persons = dial.join(callOf());
  proceed[1]?.resolve();
  await Promise.all([agents, persons]);
  expect(seen).toEqual([true, false]);
});
