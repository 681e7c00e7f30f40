import { expect, test } from "bun:test";
import { choiceOptions, loginChoices, usesAgentAlone } from "../../src/core/login-choice.ts";

test("only `agent` keeps files from signing, whatever stands around it", () => {
  expect(loginChoices.filter((choice) => usesAgentAlone(choiceOptions(choice)))).toEqual(["agent"]);
  expect(usesAgentAlone(["ProxyJump=a", ...choiceOptions("agent"), "Port=22"])).toBe(true);
  // `-i none` alone is ssh's own.
  expect(usesAgentAlone(["IdentityFile=none"])).toBe(false);
});

test("auto says nothing", () => {
  expect(choiceOptions("auto")).toEqual([]);
});
