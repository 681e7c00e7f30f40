import { expect, test } from "bun:test";
import * as v from "valibot";
import { describeIssues, issuesOf, unknownFields } from "../../../src/broker/wire/issues.ts";

const schema = v.strictObject({
  name: v.optional(v.pipe(v.string(), v.regex(/^[a-z]+$/, "a name is letters"))),
  code: v.optional(v.pipe(v.string(), v.regex(/^\d+$/))),
  port: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65535))),
  files: v.optional(v.pipe(v.array(v.pipe(v.string(), v.minLength(2))), v.minLength(1))),
  on: v.optional(v.boolean()),
  mode: v.optional(v.picklist(["fast", "slow"])),
  at: v.optional(v.pipe(v.string(), v.isoTimestamp())),
  target: v.string(),
});

const issues = (input: unknown): string => {
  const parsed = v.safeParse(schema, input);
  return parsed.success ? "" : describeIssues([...issuesOf(parsed.issues), ...unknownFields(schema, input)]);
};

test.each<[unknown, string]>([
  [{}, "target: is required"],
  [{ target: 5 }, "target: must be a string"],
  [{ target: "t", name: "S3CRET" }, "name: a name is letters"],
  [{ target: "t", code: "S3CRET" }, "code: must be of the form /^\\d+$/"],
  [{ target: "t", port: 0 }, "port: must be at least 1"],
  [{ target: "t", port: 1.5 }, "port: must be a whole number"],
  [{ target: "t", port: "22" }, "port: must be a number"],
  [{ target: "t", files: ["ok", "x"] }, "files.1: must be at least 2 characters long"],
  [{ target: "t", files: [] }, "files: is empty"],
  [{ target: "t", files: "x" }, "files: must be a list"],
  [{ target: "t", on: 1 }, "on: must be true or false"],
  [{ target: "t", mode: "S3CRET" }, 'mode: must be ("fast" | "slow")'],
  [{ target: "t", at: "S3CRET" }, "at: is not valid (iso timestamp)"],
  [{ target: "t", a: 1, b: 2 }, "a: is not a known field; b: is not a known field"],
  [{ port: 0, nme: "x" }, "port: must be at least 1; target: is required; nme: is not a known field"],
  [null, "must be an object"],
  ["S3CRET", "must be an object"],
])("%j: %s", (input, text) => {
  expect(issues(input)).toBe(text);
});

test("thousands of issues are counted, not listed", () => {
  const text = issues({ target: "t", files: Array(5000).fill("") });
  expect(text).toEndWith("; and 4988 more");
  expect(text.length).toBeLessThan(1000);
});

test("the name of an unknown field is escaped and cut", () => {
  const text = issues({ target: "t", [`\x1b[2J${"k".repeat(10_000)}`]: 1 });
  expect(text).toStartWith("\\x1b[2Jkkk");
  expect(text.length).toBeLessThan(150);
});
