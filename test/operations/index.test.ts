/** What holds for every definition: the faces derive all they show from these fields, and none of it is checked elsewhere. */
import { afterAll, describe, expect, test } from "bun:test";
import * as v from "valibot";
import { operations } from "../../src/operations/index.ts";
import { cleanup } from "../support/cleanup.ts";
import { sftpMachine } from "../support/sftp-process.ts";
import { contextFor, FakeSessions } from "./fake-sessions.ts";

afterAll(cleanup);

/** A server with one file, `given`, in its user's home. */
const machineWithFile = async () => {
  const machine = await sftpMachine();
  await Bun.write(`${machine.home}/given`, "one\n");
  return machine;
};

interface Schema {
  type: string;
  entries?: Record<string, Schema>;
  wrapped?: Schema;
  item?: Schema;
  pipe?: readonly unknown[];
}

/** The schema without what makes it optional or nullable. */
const bare = (schema: Schema): Schema => (schema.wrapped === undefined ? schema : bare(schema.wrapped));

const descriptionOf = (schema: Schema): string => {
  const own = v.getDescription(schema as unknown as Parameters<typeof v.getDescription>[0]);
  return own ?? (schema.wrapped === undefined ? "" : descriptionOf(schema.wrapped));
};

const inner = (schema: Schema): Schema[] => {
  const { entries = {}, item } = bare(schema);
  return [...Object.values(entries), ...(item === undefined ? [] : [item])];
};

/** Paths of fields without a description, at any depth. */
const undescribed = (schema: Schema): string[] =>
  Object.entries(bare(schema).entries ?? {}).flatMap(([name, field]) => [
    ...(descriptionOf(field).trim() === "" ? [name] : []),
    ...[field, ...inner(field)].flatMap(undescribed).map((path) => `${name}.${path}`),
  ]);

test("no two operations share a name, a command or a tool", () => {
  for (const key of ["name", "command", "tool", "title", "description"] as const) {
    // `ls` lists sessions, and with TARGET:PATH files: the words tell them apart.
    const values = operations.map((operation) =>
      key === "command" && operation.name === "list-directory" ? "ls TARGET:PATH" : operation[key],
    );
    expect(new Set(values).size).toBe(values.length);
  }
});

describe.each(operations.map((operation) => ({ name: operation.name, operation })))("$name", ({ operation }) => {
  const fields = operation.input.entries as unknown as Record<string, Schema>;
  const outputs = operation.output.entries as unknown as Record<string, Schema>;
  const fieldOf = (name: string): Schema => {
    const field = fields[name];
    if (field === undefined) throw new Error(`there is no field ${name}`);
    return field;
  };
  const isRequired = (name: string): boolean => fieldOf(name).type !== "optional";

  test("has names, a title and a description that both faces can show", () => {
    expect(operation.name).toMatch(/^[a-z]+(-[a-z]+)?$/);
    expect(operation.command).toMatch(/^[a-z]+( [a-z]+)?$/);
    expect(operation.tool).toMatch(/^ssh(_[a-z]+){1,2}$/);
    expect(operation.title).toMatch(/^[A-Z][^.]{3,60}$/);
    expect(operation.description).toMatch(/^[A-Z][\s\S]{80,1500}\.$/);
    // Advice is for models alone.
    if (operation.faces.includes("mcp")) expect(operation.advice).toMatch(/^[A-Z][\s\S]{20,1500}\.$/);
    else expect(operation.advice).toBe("");
    // It is for whoever calls.
    expect(operation.description).not.toMatch(/\bmodels?\b|\bperson\b/i);
    expect(operation.faces.length).toBeGreaterThan(0);
    expect(["read", "write", "execute", "destructive"]).toContain(operation.effect);
    // What changes nothing can be done twice.
    expect(operation.effect !== "read" || operation.idempotent).toBe(true);
  });

  test("takes no field that it does not describe, and describes every one, in and out", () => {
    expect(operation.input.type).toBe("strict_object");
    expect(undescribed(operation.input as unknown as Schema)).toEqual([]);
    expect(undescribed(operation.output as unknown as Schema)).toEqual([]);
    const { issues = [] } = v.safeParse(operation.input, { "no such field": 1 });
    expect(issues.map((issue) => v.getDotPath(issue))).toContain("no such field");
  });

  test("promises every field of its output: absent values are null, never missing", () => {
    expect(Object.entries(outputs).filter(([, { type }]) => /optional|nullish|undefinedable/.test(type))).toEqual([]);
  });

  test("takes as words what a word can be, and no field twice", () => {
    const { positionals, rest, last } = operation;
    const words = [...positionals, ...(rest === null ? [] : [rest]), ...(last === undefined ? [] : [last])] as string[];
    expect(new Set(words).size).toBe(words.length);
    for (const word of operation.positionals) {
      expect(bare(fieldOf(word)).type).toBe("string");
      // What may be left out is the last.
      if (word !== operation.positionals.at(-1) || operation.rest !== null) expect(isRequired(word)).toBe(true);
    }
    if (operation.rest !== null) {
      const { type, item } = bare(fieldOf(operation.rest));
      expect(type === "array" ? item?.type : type).toBe("string");
    }
  });

  test("takes durations as numbers, and words nowhere else a number of seconds", () => {
    for (const name of operation.durations) expect(bare(fieldOf(name)).type).toBe("number");
    const inSeconds = Object.keys(fields).filter((name) => /\bseconds\b/i.test(descriptionOf(fieldOf(name))));
    expect(inSeconds.sort()).toEqual([...operation.durations].sort());
  });

  test("says by a field of text where it acts, or that it acts nowhere in particular", () => {
    if (operation.target === null) {
      // Or by what its fields name, each of which policy is asked about.
      if (operation.targets !== undefined) return;
      expect(Object.keys(fields).filter((name) => /destination|target/i.test(name))).toEqual([]);
      return;
    }
    const { type, item } = bare(fieldOf(operation.target));
    expect(type === "array" ? item?.type : type).toBe("string");
  });

  test("withholds from a model only what a call can do without", () => {
    // What no model is offered at all has no need of a list.
    if (!operation.faces.includes("mcp")) return expect(operation.cliOnly).toEqual([]);
    for (const name of operation.cliOnly) expect(isRequired(name)).toBe(false);
    // Code and trust are a person's.
    const dangerous = Object.keys(fields).filter((name) => ["configFile", "options"].includes(name));
    expect(dangerous.filter((name) => !operation.cliOnly.some((field) => field === name))).toEqual([]);
    expect(operation.cliOnly.filter((field) => field === operation.target)).toEqual([]);
  });

  test("gives back streams if it has any", () => {
    const streams = ["stdout", "stderr", "truncated"].filter((name) => Object.hasOwn(outputs, name));
    expect(streams).toEqual(operation.streams === "pipe" ? ["stdout", "stderr", "truncated"] : []);
  });
});

/** The smallest input of each. */
const smallest: Readonly<Record<string, Record<string, unknown>>> = {
  connect: { destination: "web" },
  exec: { target: "web", command: "true" },
  sessions: {},
  lend: { targets: ["web"] },
  unlend: { targets: ["web"] },
  close: { all: true },
  "job-start": { target: "web", command: "true" },
  "job-ls": { target: "web" },
  "job-status": { target: "web", id: "abcdefghjk" },
  "job-logs": { target: "web", id: "abcdefghjk" },
  "job-wait": { target: "web", id: "abcdefghjk" },
  "job-cancel": { target: "web", id: "abcdefghjk" },
  "job-rm": { target: "web", id: "abcdefghjk" },
  kill: { calls: ["c1"] },
  output: { id: "o1" },
  transfer: { sources: ["web:a"], destination: "b" },
  sync: { source: "web:a", destination: "b" },
  hosts: {},
  "hosts-show": { name: "web" },
  "hosts-add": { name: "web", host: "192.0.2.1" },
  "hosts-set": { name: "web", unset: ["port"] },
  "hosts-rm": { name: "web" },
  "hosts-enable": { name: "web" },
  trust: { destination: "web" },
  init: {},
  "secret-set": { target: "web" },
  "secret-rm": { target: "~/.ssh/id_ed25519", key: true },
  sudo: { target: "web" },
  "list-directory": { target: "web", path: "." },
  "read-file": { target: "web", path: "given" },
  "write-file": { target: "web", path: "written", content: "text" },
  "edit-file": { target: "web", path: "edited", diff: "@@ -0,0 +1 @@\n+text\n" },
  path: { target: "web", path: "given", action: "stat" },
  stat: { target: "web", paths: ["given"] },
  mkdir: { target: "web", paths: ["made"] },
  mv: { target: "web", paths: ["given", "moved"] },
  chmod: { mode: "600", target: "web", paths: ["given"] },
  ln: { says: "given", target: "web", path: "link", symbolic: true },
  rm: { target: "web", paths: ["given"] },
};

test.each(operations.map((operation) => ({ name: operation.name, operation })))(
  "$name gives exactly what its output says",
  async ({ name, operation }) => {
    const input = v.parse(operation.input, smallest[name]);
    expect(operation.validate(input)).toEqual([]);
    for (const face of operation.faces) {
      const sessions = new FakeSessions();
      sessions.machine = await machineWithFile();
      const context = { ...contextFor(face, sessions), asks: true, ask: async () => "typed" };
      const result = await operation.run(input, context);
      expect(v.parse(operation.output, result)).toEqual(result);
      expect(Object.keys(result).sort()).toEqual(Object.keys(operation.output.entries).sort());
    }
  },
);
