/**
 * Both faces of the compiled binary are one program: equal input gives equal structured output and equal errors, but for times,
 * ages and who opened a session.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { cpSync } from "node:fs";
import { escapeHidden } from "../../src/core/escape.ts";
import { close } from "../../src/operations/close.ts";
import { exec } from "../../src/operations/exec.ts";
import { operations } from "../../src/operations/index.ts";
import { cleanup } from "../support/cleanup.ts";
import { tempDir } from "../support/temp.ts";
import { type Agent, startAgent } from "./agent.ts";
import { type Answer, inCommonWords, withoutHowToWait } from "./answer.ts";
import { cases } from "./cases.ts";
import { perform } from "./person.ts";
import { type Places, startPlaces } from "./places.ts";

afterAll(cleanup);

/** Two homes that are alike: in one alone, the second to ask would be given what the first one opened. */
let persons: string;
let models: string;
let places: Places;
let agent: Agent;
beforeAll(async () => {
  const started = await startPlaces();
  ({ places } = started);
  persons = started.home.path;
  models = tempDir("home");
  cpSync(persons, models, { recursive: true });
  agent = await startAgent(models);
}, 30_000);

const ofBoth = operations.filter(({ faces }) => faces.includes("cli") && faces.includes("mcp"));

test("every operation of both faces is asked", () => {
  const asked = new Set<string>(cases.map(({ operation }) => operation));
  expect(ofBoth.map(({ name }) => name).filter((name) => !asked.has(name))).toEqual([]);
});

const rows = ofBoth.map((operation) => ({ name: operation.name, operation }));

describe.each(rows)("$name gives the same to both faces for", ({ name, operation }) => {
  test.each(cases.filter((each) => each.operation === name))("$name", async ({ input, expected, ownWords }) => {
    const given = input(places);
    const [printed, answer] = await Promise.all([
      perform(persons, operation, given),
      agent.call(operation.tool, given),
    ]);
    // The next case begins as empty.
    await Promise.all([perform(persons, close, { all: true }), agent.call("ssh_disconnect", { all: true })]);
    const [ofPerson, ofModel] = [printed.document, documentOf(answer)].map((document) => settled(document, ownWords));
    // Before what is expected is laid over it: bun puts matchers into what they match.
    const shown = asModelsSee(ofPerson);
    expect(ofPerson).toMatchObject(expected);
    expect(ofModel).toEqual(shown);
  });
});

test("a model is shown 16 KiB a stream and a script more, with the same counts", async () => {
  const given = { target: places.sshd, command: "seq 1 20000" };
  const [{ document }, { result }] = await Promise.all([perform(persons, exec, given), agent.call("ssh_exec", given)]);
  const all = Array.from({ length: 20_000 }, (_, index) => `${index + 1}\n`).join("");
  const bytes = { stdoutBytes: all.length, stderrBytes: 0 };
  expect(document).toMatchObject({ stdout: all, truncated: false, ...bytes });
  expect(result).toMatchObject({
    stdout: expect.stringMatching(/ omitted: ssh_output \{.*\} …\]\n/),
    truncated: true,
    ...bytes,
  });
});

/** What JSON would leave invisible is written out for a model. */
const asModelsSee = (document: unknown): unknown =>
  JSON.parse(JSON.stringify(document), (_, value: unknown) =>
    typeof value === "string" ? escapeHidden(value) : value,
  );

/** The document that `--json` would print. */
const documentOf = ({ result, error }: Answer): Record<string, unknown> => result ?? { error };

const volatile: ReadonlySet<string> = new Set([
  ...["durationMs", "ageMs", "idleMs", "expiresInMs", "createdAt", "expiresAt", "openedBy"],
  ...["askedAt", "by"],
]);

/** Volatile values by their type alone, and words that are each face's own by none; whether they are there still counts. */
const settled = (value: unknown, ownWords = false): unknown => {
  if (Array.isArray(value)) return value.map((each) => settled(each, ownWords));
  if (typeof value !== "object" || value === null) return value;
  const settledField = ([key, inner]: [string, unknown]): [string, unknown] => {
    // A person's output is kept when they ask for it, an agent's always.
    if (key === "outputId" || key === "lastOutputId") return [key, "an id, or none"];
    if (ownWords && (key === "message" || key === "hint")) return [key, "its own"];
    if (typeof inner === "string") return [key, settledText(key, inner)];
    return [key, volatile.has(key) && inner !== null ? typeof inner : settled(inner, ownWords)];
  };
  return Object.fromEntries(Object.entries(value).map(settledField));
};

/** How to read what is no text, where it is kept. */
const withoutReadOn = (text: string): string => text.replace(/; ssh_output \{.*?\}\]$/, "]");

const words: Readonly<Record<string, (text: string) => string>> = {
  hint: inCommonWords,
  // Of a login that waits for a person.
  command: inCommonWords,
  message: withoutHowToWait,
  stdout: withoutReadOn,
  stderr: withoutReadOn,
};

const settledText = (key: string, text: string): string => {
  if (volatile.has(key)) return "string";
  return (words[key]?.(text) ?? text).replaceAll(models, persons);
};
