import { expect, test } from "bun:test";
import { expandTargets, isGroup, isSeveral, targetsIn } from "../../src/core/targets.ts";

test("a comma or a leading @ makes several; a user, a port and brackets do not", () => {
  for (const one of ["web1", "me@web1", "me@10.0.0.1:2222", "[::1]:22", "ssh://me@web1:22", "@", ""]) {
    expect(isSeveral(one)).toBe(false);
  }
  for (const several of ["@web", "a,b", "a,", "me@a,@web"]) expect(isSeveral(several)).toBe(true);
  expect(isGroup("me@web")).toBe(false);
});

test("names in order, each once, with a comma at the end or without", () => {
  expect(targetsIn("b,a,b")).toEqual(["b", "a"]);
  expect(targetsIn("a, b,")).toEqual(["a", "b"]);
  expect(targetsIn("me@[::1]:22,ssh://x:1")).toEqual(["me@[::1]:22", "ssh://x:1"]);
  for (const gap of [",", "a,,b", ",a", "a,,"]) {
    expect(() => targetsIn(gap)).toThrow(expect.objectContaining({ code: "USAGE" }));
  }
});

test("groups stand for their members, and nothing for nobody", async () => {
  const groups: Record<string, string[]> = { web: ["a", "b"], none: [] };
  const members = async (group: string) => groups[group] ?? [];
  expect(await expandTargets("b,@web,c@d:1", members)).toEqual(["b", "a", "c@d:1"]);
  await expect(expandTargets("@none", members)).rejects.toMatchObject({ code: "NOT_FOUND" });
});
