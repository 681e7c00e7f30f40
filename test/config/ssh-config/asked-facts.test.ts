import { expect, test } from "bun:test";
import { AskedFacts, type FactSource, type KnownFacts } from "../../../src/config/ssh-config/asked-facts.ts";

/** Answers from these, and remembers what it was asked, in order. */
const answering = (
  values: Record<string, string>,
  more: { succeed?: readonly string[]; names?: Record<string, string | null> } = {},
) => {
  const asked: unknown[] = [];
  const source: FactSource = {
    variables: async (names) => {
      asked.push([...names]);
      return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
    },
    succeeds: async (command) => {
      asked.push(command);
      return more.succeed?.includes(command) ?? false;
    },
    lookUp: async (name, family) => {
      asked.push(`${family} ${name}`);
      const canonicalName = more.names?.[name];
      return canonicalName === undefined ? null : { canonicalName };
    },
  };
  return { asked, facts: new AskedFacts(source) };
};

const need = ({ variables }: KnownFacts, name: string): string => {
  const value = variables.get(name);
  if (value === undefined) throw new Error(`${name} is not set`);
  return value;
};

test("asks for nothing where nothing is needed", async () => {
  const { asked, facts } = answering({ A: "1" });
  expect(await facts.resolve(() => "done")).toBe("done");
  expect(asked).toEqual([]);
});

test("asks once for all variables that are needed, and for no other", async () => {
  const { asked, facts } = answering({ A: "1", B: "2", SECRET: "3" });
  expect(await facts.resolve((known) => `${need(known, "A")}${need(known, "B")}`)).toBe("12");
  expect(asked).toEqual([["A", "B"]]);
});

test("a variable that is not set is the error of whoever needs it, an empty one is not", async () => {
  const { facts } = answering({ EMPTY: "" });
  expect(facts.resolve((known) => need(known, "A"))).rejects.toThrow("A is not set");
  expect(await facts.resolve((known) => need(known, "EMPTY"))).toBe("");
});

test("asks again for a name that a value leads to, and not without end", async () => {
  const { asked, facts } = answering({ A: "B", B: "C" });
  expect(await facts.resolve((known) => need(known, need(known, "A")))).toBe("C");
  expect(asked.at(-1)).toEqual(["B"]);

  const endless = new AskedFacts({
    ...{ succeeds: async () => false, lookUp: async () => null },
    variables: async (wanted) => Object.fromEntries(wanted.map((name) => [name, `${name}+`])),
  });
  const work = (known: KnownFacts): string => {
    let name = "A";
    for (let step = 0; step < 20; step++) name = need(known, name);
    return name;
  };
  expect(endless.resolve(work)).rejects.toThrow("is not set");
});

test("an error that no fact could change comes out, and so does the failure to ask", async () => {
  const broken = (): never => {
    throw new Error("broken");
  };
  expect(answering({}).facts.resolve(broken)).rejects.toThrow("broken");
  const gone = new AskedFacts({ variables: broken, succeeds: broken, lookUp: broken });
  expect(gone.resolve((known) => need(known, "A"))).rejects.toThrow("broken");
  expect(gone.resolve(({ commands }) => commands.succeeds("true", "f:1"))).rejects.toThrow("broken");
});

test("a command is run once, in its turn, and never on a value that is not known yet", async () => {
  const { asked, facts } = answering({ HOST: "db" }, { succeed: ["first db"] });
  const work = (known: KnownFacts): boolean[] => {
    const host = need(known, "HOST");
    return [`first ${host}`, "second", `first ${host}`].map((line) => known.commands.succeeds(line, "f:1"));
  };
  expect(await facts.resolve(work)).toEqual([true, false, true]);
  expect(asked).toEqual([["HOST"], "first db", "second"]);
  expect(await facts.resolve(work)).toEqual([true, false, true]);
  expect(asked).toHaveLength(3);
});

test("a command behind another that fails the resolution is not run", async () => {
  const { asked, facts } = answering({});
  const work = ({ commands }: KnownFacts): void => {
    if (!commands.succeeds("first", "f:1")) throw new Error("refused");
    commands.succeeds("second", "f:1");
  };
  expect(facts.resolve(work)).rejects.toThrow("refused");
  expect(asked).toEqual(["first"]);
});

test("names are looked up once per family", async () => {
  const { asked, facts } = answering({}, { names: { "db.example.": "alias" } });
  const work = ({ names }: KnownFacts) => [
    names.lookUp("db.example.", "any"),
    names.lookUp("db.example.", "inet6"),
    names.lookUp("no.example.", "any"),
  ];
  expect(await facts.resolve(work)).toEqual([{ canonicalName: "alias" }, { canonicalName: "alias" }, null]);
  expect(asked).toEqual(["any db.example.", "inet6 db.example.", "any no.example."]);
});

test("afterwards the facts tell what was found out, and no more", async () => {
  const { asked, facts } = answering({ A: "1", B: "2" }, { succeed: ["true"] });
  const kept = await facts.resolve((known) => {
    need(known, "A");
    known.commands.succeeds("true", "f:1");
    return known;
  });
  for (const known of [kept, facts.known]) {
    expect(known.variables.get("A")).toBe("1");
    expect(known.variables.get("B")).toBeUndefined();
    expect(known.commands.succeeds("true", "f:1")).toBe(true);
    expect(() => known.commands.succeeds("false", "f:1")).toThrow("not known here");
    expect(() => known.names.lookUp("x", "any")).toThrow("not known here");
  }
  expect(asked).toEqual([["A"], "true"]);
});
