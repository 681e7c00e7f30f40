import { expect, test } from "bun:test";
import { fieldName } from "../../src/core/field-name.ts";
import { close } from "../../src/operations/close.ts";
import { exec } from "../../src/operations/exec.ts";

test.each<[field: string, person: string]>([
  ["connectTimeout", "--connect-timeout"],
  ["port", "--port"],
  ["options.0", "--options"],
  ["target", "TARGET"],
  ["command", "COMMAND"],
  ["toString", "toString"],
  ["", ""],
])("%p of exec is %p to a person, and itself to a model", (field, person) => {
  expect(fieldName(exec, field, "cli")).toBe(person);
  expect(fieldName(exec, field, "mcp")).toBe(field);
});

test("words of a list have the name that the usage line gives them", () => {
  expect(fieldName(close, "targets.3", "cli")).toBe("TARGETS");
});
