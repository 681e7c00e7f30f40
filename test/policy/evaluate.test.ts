import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type Decision, evaluate, type PolicyRequest, type Rule } from "../../src/policy/evaluate.ts";

const request: PolicyRequest = {
  operation: "exec",
  effect: "execute",
  face: "mcp",
  client: "test 1.0",
  target: "prod-db",
};
const rule = (name: string, decision: Decision, lists: Omit<Rule, "name" | "decision"> = {}): Rule => ({
  name,
  decision,
  ...lists,
});

const table: [name: string, rules: Rule[], change: Partial<PolicyRequest>, decision: Decision, rule: string | null][] =
  [
    ["no rules", [], {}, "allow", null],
    ["a rule without lists", [rule("all", "deny")], {}, "deny", "all"],
    ["another operation", [rule("r", "deny", { operations: ["close"] })], {}, "allow", null],
    ["the operation", [rule("r", "deny", { operations: ["close", "exec"] })], {}, "deny", "r"],
    ["another effect", [rule("r", "ask", { effects: ["read"] })], {}, "allow", null],
    ["the effect", [rule("r", "ask", { effects: ["execute"] })], {}, "ask", "r"],
    ["another face", [rule("r", "deny", { faces: ["mcp"] })], { face: "cli" }, "allow", null],
    ["the face", [rule("r", "deny", { faces: ["mcp"] })], {}, "deny", "r"],
    ["another target", [rule("r", "deny", { targets: ["dev-*"] })], {}, "allow", null],
    ["the target", [rule("r", "deny", { targets: ["dev-*", "prod-*"] })], {}, "deny", "r"],
    ["the target in capitals", [rule("r", "deny", { targets: ["prod-*"] })], { target: "PROD-DB" }, "deny", "r"],
    ["the pattern in capitals", [rule("r", "deny", { targets: ["PROD-*"] })], {}, "deny", "r"],
    ["no target", [rule("r", "deny", { targets: ["*"] })], { target: null }, "allow", null],
    ["no target, no list", [rule("r", "deny")], { target: null }, "deny", "r"],
    [
      "every list, all hold",
      [rule("r", "ask", { operations: ["exec"], effects: ["execute"], faces: ["mcp"], targets: ["*"] })],
      {},
      "ask",
      "r",
    ],
    [
      "every list, one does not",
      [rule("r", "ask", { operations: ["exec"], effects: ["execute"], faces: ["cli"], targets: ["*"] })],
      {},
      "allow",
      null,
    ],
    ["an empty list", [rule("r", "deny", { operations: [] })], {}, "allow", null],
    ["deny beats ask", [rule("a", "ask"), rule("d", "deny")], {}, "deny", "d"],
    ["deny beats allow", [rule("a", "allow"), rule("d", "deny")], {}, "deny", "d"],
    ["ask beats allow", [rule("a", "allow"), rule("q", "ask")], {}, "ask", "q"],
    ["whatever the order", [rule("d", "deny"), rule("q", "ask"), rule("a", "allow")], {}, "deny", "d"],
    [
      "a stricter rule that does not match",
      [rule("a", "allow"), rule("d", "deny", { faces: ["cli"] })],
      {},
      "allow",
      "a",
    ],
    ["of equal ones the first", [rule("one", "ask"), rule("two", "ask")], {}, "ask", "one"],
  ];

describe("policy", () => {
  test.each(table)("%s", (_name, rules, change, decision, cited) => {
    const verdict = evaluate(rules, { ...request, ...change });
    expect([verdict.decision, verdict.rule]).toEqual([decision, cited]);
  });

  test("the reason says which rule, or why none", () => {
    expect(evaluate([], request).reason).toBe("allowed: there are no rules");
    expect(evaluate([rule("r", "deny", { faces: ["cli"] })], request).reason).toBe("allowed: no rule matches");
    expect(evaluate([rule("prod is closed", "deny")], request).reason).toBe('denied by the rule "prod is closed"');
    expect(evaluate([rule("r", "ask")], request).reason).toBe('needs approval by the rule "r"');
    expect(evaluate([rule("r", "allow")], request).reason).toBe('allowed by the rule "r"');
  });
});

const some = <T>(...values: T[]) => fc.subarray(values);
const anyRule = fc.record(
  {
    name: fc.constantFrom("a", "b", "c"),
    decision: fc.constantFrom<Decision>("allow", "ask", "deny"),
    operations: some("exec", "close", "ls"),
    effects: some<PolicyRequest["effect"]>("read", "write", "execute", "destructive"),
    faces: some<PolicyRequest["face"]>("cli", "mcp"),
    targets: some("*", "prod-*", "dev-?"),
  },
  { requiredKeys: ["name", "decision"] },
);
const anyRequest: fc.Arbitrary<PolicyRequest> = fc.record({
  operation: fc.constantFrom("exec", "close", "ls"),
  effect: fc.constantFrom("read", "write", "execute", "destructive"),
  face: fc.constantFrom("cli", "mcp"),
  client: fc.string(),
  target: fc.constantFrom("prod-db", "dev-1", "web", null),
});
const rank = (rules: readonly Rule[], asked: PolicyRequest) =>
  ["allow", "ask", "deny"].indexOf(evaluate(rules, asked).decision);

describe("whatever the rules", () => {
  test("one rule more, of any kind and anywhere, never widens", () => {
    fc.assert(
      fc.property(fc.array(anyRule), anyRule, fc.nat(), anyRequest, (rules, more, place, asked) => {
        const at = place % (rules.length + 1);
        expect(rank([...rules.slice(0, at), more, ...rules.slice(at)], asked)).toBeGreaterThanOrEqual(
          rank(rules, asked),
        );
      }),
      { numRuns: 2000 },
    );
  });

  test("a deny rule without lists denies everything", () => {
    fc.assert(
      fc.property(fc.array(anyRule), anyRequest, (rules, asked) => {
        expect(evaluate([...rules, rule("stop", "deny")], asked).decision).toBe("deny");
      }),
    );
  });

  test("their order does not change the decision", () => {
    fc.assert(
      fc.property(fc.array(anyRule), anyRequest, (rules, asked) => {
        expect(rank(rules.toReversed(), asked)).toBe(rank(rules, asked));
      }),
    );
  });

  test("the rule that is cited exists and has that decision", () => {
    fc.assert(
      fc.property(fc.array(anyRule), anyRequest, (rules, asked) => {
        const verdict = evaluate(rules, asked);
        const cited = rules.filter((known) => known.name === verdict.rule && known.decision === verdict.decision);
        expect(verdict.rule === null ? verdict.decision === "allow" : cited.length > 0).toBe(true);
      }),
    );
  });
});
