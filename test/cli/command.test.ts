import { describe, expect, test } from "bun:test";
import * as v from "valibot";
import { type Command, commandOf } from "../../src/cli/command.ts";
import { globalFlags } from "../../src/cli/face-flags.ts";
import type { Operation } from "../../src/core/operation.ts";
import { exec } from "../../src/operations/exec.ts";
import { operations } from "../../src/operations/index.ts";

const flagsOf = (command: Command, operation: Operation): string[] => {
  const own = command.flags.flatMap((flag) => ("field" in flag.for ? [flag.for.field] : []));
  const { positionals, rest, last } = operation;
  const words = [...positionals, ...(rest === null ? [] : [rest]), ...(last === undefined ? [] : [last])];
  return [...own, ...words].sort();
};

describe("every operation of the command line", () => {
  for (const operation of operations) {
    const command = commandOf(operation);

    test(`${operation.command} takes every field, and each once`, () => {
      expect(flagsOf(command, operation)).toEqual(Object.keys(operation.input.entries).sort());
    });

    test(`${operation.command} has no name and no letter twice`, () => {
      const names = command.flags.map(({ name }) => name);
      const letters = command.flags.flatMap(({ letter }) => letter ?? []);
      expect(new Set(names).size).toBe(names.length);
      expect(new Set(letters).size).toBe(letters.length);
    });

    test(`${operation.command} says what each flag and word is`, () => {
      const described = [...command.flags, ...command.operands, ...(command.rest === null ? [] : [command.rest])];
      for (const { description } of described) expect(description).not.toBe("");
    });

    test(`${operation.command} takes the global flags after itself, but for --version`, () => {
      // What changes the sessions that a broker keeps, and nothing else, does nothing without one.
      const keptAlone = ["lend", "unlend", "close", "kill", "output", "sudo"];
      const without = keptAlone.includes(operation.command) ? ["version", "no-broker"] : ["version"];
      for (const { name } of globalFlags) {
        expect(command.flags.some((flag) => flag.name === name)).toBe(!without.includes(name));
      }
    });
  }
});

describe("fields become flags", () => {
  const withFields = (fields: v.ObjectEntries, changes: Partial<Operation> = {}): Operation => ({
    ...exec,
    input: v.strictObject({ ...exec.input.entries, ...fields }),
    ...changes,
  });
  const flag = (operation: Operation, name: string) => commandOf(operation).flags.find((one) => one.name === name);

  test("ssh's letters", () => {
    const letters = commandOf(exec).flags.filter(({ letter }) => letter !== null);
    expect(Object.fromEntries(letters.map(({ letter, name }) => [letter, name]))).toEqual({
      l: "user",
      p: "port",
      i: "identity-file",
      J: "jump",
      F: "config-file",
      o: "options",
      n: "no-stdin",
      e: "env",
      t: "pty",
      w: "cwd",
      h: "help",
    });
  });

  test("a list repeats, a choice knows its values, a duration has units", () => {
    const operation = withFields({
      someNames: v.optional(v.pipe(v.array(v.string()), v.description("names"))),
      colour: v.optional(v.pipe(v.picklist(["red", "green"]), v.description("which"))),
    });
    expect(flag(operation, "some-names")).toMatchObject({ kind: "text", repeats: true, description: "names" });
    expect(flag(operation, "colour")).toMatchObject({ kind: "text", repeats: false, choices: ["red", "green"] });
    expect(flag(operation, "timeout")?.kind).toBe("duration");
    expect(flag(operation, "port")?.kind).toBe("number");
  });

  test("the description may stand outside the optional", () => {
    const operation = withFields({ late: v.pipe(v.optional(v.string()), v.description("outside")) });
    expect(flag(operation, "late")).toMatchObject({ kind: "text", description: "outside" });
  });

  test("a type that no flag can express is a mistake in the definition", () => {
    const operation = withFields({ nested: v.optional(v.object({ a: v.string() })) });
    expect(() => commandOf(operation)).toThrow("no flag can take nested, of type object");
  });
});
