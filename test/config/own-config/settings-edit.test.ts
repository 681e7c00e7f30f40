import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type LabelChange, withLabels } from "../../../src/config/own-config/settings-edit.ts";
import { settingsIn } from "../../../src/config/settings.ts";
import { thrownBy } from "../ssh-config/thrown.ts";

const path = "/b/config.toml";
const edit = (text: string, change: LabelChange, name = "db1"): string => withLabels(path, text, name, change);

describe("label and groups", () => {
  test("a table is made at the end, and its own lines are changed where they are", () => {
    const once = edit("# mine\n[limits]\nsessions = 5 # few\n", { label: 'a "b" \\c', groups: ["prod", "eu"] });
    expect(once).toBe(
      '# mine\n[limits]\nsessions = 5 # few\n\n[host.db1]\nlabel = "a \\"b\\" \\\\c"\ngroups = ["prod", "eu"]\n',
    );
    expect(edit(once, { label: "x" })).toBe(once.replace(/label = .*/, 'label = "x"'));
    expect(edit(once, { label: null, groups: null })).toBe("# mine\n[limits]\nsessions = 5 # few\n\n");
  });

  test("what stands around it stays byte for byte", () => {
    const text = `[host."db1"] # the first
# why
legacy = true
groups = [
  "a", # one
]
[host.db10]
label = "other"
`;
    expect(edit(text, { groups: ["b"] })).toBe(text.replace(/groups = \[\n.*\n\]/, 'groups = ["b"]'));
    expect(edit(text, { label: "l" })).toBe(text.replace("# the first\n", '# the first\nlabel = "l"\n'));
    expect(edit(text, { groups: null })).toBe(text.replace(/groups = \[\n.*\n\]\n/, ""));
    expect(edit(text, {})).toBe(text);
  });

  test("a value ends where TOML says so, whatever stands in it, and however long it is", () => {
    const values = ['"""\na "quoted" [\n\\""" # no end\n"""', "'''\n[x] \"\n'''", '"[ # \\" {"', "'[ \"'"];
    for (const value of values) {
      const text = `[host.db1]\nlabel = ${value} # it\nlegacy = true\n`;
      // A label is one line: what stands over several is no label, and nothing is written.
      if (/\n/.test(value)) expect(thrownBy(() => edit(text, { label: "x" })).code).toBe("CONFIG_INVALID");
      else expect(edit(text, { label: "x" })).toBe('[host.db1]\nlabel = "x"\nlegacy = true\n');
    }
    const list = `[host.db1]\ngroups = [ # [\n${'  "g", # ]\n'.repeat(20_000)}] # end\nlegacy = true\n`;
    expect(edit(list, { groups: ["z"] })).toBe('[host.db1]\ngroups = ["z"]\nlegacy = true\n');
  });

  test("a name that is no bare key is quoted", () => {
    expect(edit("", { label: "x" }, "a.b")).toBe('[host."a.b"]\nlabel = "x"\n');
  });

  test.each([
    'host = { db1 = { label = "x" } }\n',
    'host.db1.label = "x"\n',
    '[host]\ndb1.label = "x"\n',
    "[host]\ndb1 = { legacy = true }\n",
  ])("%j is left to whoever wrote it", (text) => {
    expect(thrownBy(() => edit(text, { label: "new" }))).toMatchObject({ code: "PRECONDITION_FAILED" });
  });

  test("a file that is none is not made worse", () => {
    expect(thrownBy(() => edit("[host", { label: "x" }))).toMatchObject({ code: "CONFIG_INVALID" });
  });

  test("whatever is said, it is what is read back", () => {
    const label = fc.string({ unit: "grapheme", minLength: 1, maxLength: 50 }).filter((text) => !/\p{C}/u.test(text));
    const group = fc.stringMatching(/^[a-z0-9][a-z0-9._-]{0,8}$/);
    const name = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}$/);
    fc.assert(
      fc.property(fc.array(fc.record({ name, label, groups: fc.uniqueArray(group, { minLength: 1 }) })), (changes) => {
        let text = "# first\n";
        const expected = new Map<string, unknown>();
        for (const { name: host, label: said, groups } of changes) {
          text = edit(text, { label: said, groups }, host);
          expected.set(host, { label: said, groups, legacy: null, passwordCommand: null, sudo: null });
        }
        expect(new Map(settingsIn(path, text).hosts)).toEqual(expected as never);
        expect(text.startsWith("# first\n")).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});
