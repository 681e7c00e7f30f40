import { expect, test } from "bun:test";
import { withAskedVariables } from "../../../src/config/ssh-config/asked-variables.ts";
import type { Variables } from "../../../src/config/ssh-config/expand.ts";

/** Answers from these values, and remembers what it was asked. */
const answering = (values: Record<string, string>) => {
  const asked: string[][] = [];
  const ask = async (names: readonly string[]) => {
    asked.push([...names]);
    return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
  };
  return { asked, ask };
};

const need = (variables: Variables, name: string): string => {
  const value = variables.get(name);
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

test("asks for nothing where nothing is needed", async () => {
  const { asked, ask } = answering({ A: "1" });
  expect(await withAskedVariables(() => "done", ask)).toBe("done");
  expect(asked).toEqual([]);
});

test("asks once for all names that are needed, and for no other", async () => {
  const { asked, ask } = answering({ A: "1", B: "2", SECRET: "3" });
  expect(await withAskedVariables((variables) => `${need(variables, "A")}${need(variables, "B")}`, ask)).toBe("12");
  expect(asked).toEqual([["A", "B"]]);
});

test("a variable that is not set is the error of whoever needs it, an empty one is not", async () => {
  const { ask } = answering({ EMPTY: "" });
  expect(withAskedVariables((variables) => need(variables, "A"), ask)).rejects.toThrow("A is not set");
  expect(await withAskedVariables((variables) => need(variables, "EMPTY"), ask)).toBe("");
});

test("asks again for a name that a value leads to, and not without end", async () => {
  const { asked, ask } = answering({ A: "B", B: "C" });
  expect(await withAskedVariables((variables) => need(variables, need(variables, "A")), ask)).toBe("C");
  expect(asked.at(-1)).toEqual(["B"]);

  const another = async (wanted: readonly string[]) => Object.fromEntries(wanted.map((name) => [name, `${name}+`]));
  const endless = (variables: Variables): string => {
    let name = "A";
    for (let step = 0; step < 20; step++) name = need(variables, name);
    return name;
  };
  expect(withAskedVariables(endless, another)).rejects.toThrow("is not set");
});

test("an error that no variable could change comes out, and so does the failure to ask", async () => {
  const { ask } = answering({});
  const broken = () => {
    throw new Error("broken");
  };
  expect(withAskedVariables(broken, ask)).rejects.toThrow("broken");
  const gone = async () => {
    throw new Error("the caller is gone");
  };
  expect(withAskedVariables((variables) => need(variables, "A"), gone)).rejects.toThrow("the caller is gone");
});
