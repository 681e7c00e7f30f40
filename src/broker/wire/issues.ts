/**
 * What is wrong with an input, in words. Names of fields and what they should be, never what they were: a
 * value may be a secret in the wrong field.
 */
import type * as v from "valibot";
import { escapeLine } from "../../core/escape.ts";
import type { Issue } from "../../core/operation.ts";

type SchemaIssue = v.BaseIssue<unknown>;

/** More than anybody fixes at once; the rest is counted. */
const shownIssues = 12;
const longestField = 80;

/** One line: `field: message; field: message`. */
export const describeIssues = (issues: readonly Issue[]): string => {
  const shown = issues
    .slice(0, shownIssues)
    .map(({ field, message }) => (field === "" ? message : `${field}: ${message}`));
  const more = issues.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more`] : [])].join("; ");
};

export const issuesOf = (issues: readonly SchemaIssue[]): Issue[] =>
  issues.map((issue) => ({ field: fieldOf(issue), message: messageOf(issue) }));

/** valibot names only the first unknown field; these are the others. */
export const unknownFields = (schema: { entries: object }, input: unknown): Issue[] => {
  if (typeof input !== "object" || input === null || Array.isArray(input)) return [];
  const unknown = Object.keys(input).filter((key) => !Object.hasOwn(schema.entries, key));
  return unknown.slice(1).map((key) => ({ field: shortened(key), message: notKnown }));
};

const notKnown = "is not a known field";

const fieldOf = (issue: SchemaIssue): string => {
  return shortened((issue.path ?? []).map(({ key }) => String(key)).join("."));
};

const shortened = (path: string): string =>
  escapeLine(path.length > longestField ? `${path.slice(0, longestField)}…` : path);

const messageOf = (issue: SchemaIssue): string => {
  if (issue.path?.at(-1)?.origin === "key") return issue.expected === "never" ? notKnown : "is required";
  if (!isDefaultMessage(issue)) return issue.message;
  if (issue.type === "min_length" && issue.expected === ">=1") return "is empty";
  const words = wordsOf(issue);
  return words === null ? `is not valid (${issue.type.replaceAll("_", " ")})` : `must be ${words}`;
};

/** valibot's own message quotes what it received; one that a schema's author wrote does not. */
const isDefaultMessage = (issue: SchemaIssue): boolean =>
  issue.message.startsWith("Invalid ") && issue.message.endsWith(`eceived ${issue.received}`);

const wordsOf = ({ type, expected, input }: SchemaIssue): string | null => {
  switch (type) {
    case "string":
      return "a string";
    case "number":
      return "a number";
    case "boolean":
      return "true or false";
    case "array":
      return "a list";
    case "object":
    case "strict_object":
      return "an object";
    case "integer":
    case "safe_integer":
      return "a whole number";
    case "min_value":
    case "max_value":
    case "gt_value":
    case "lt_value":
      return boundOf(expected);
    case "min_length":
    case "max_length":
      return `${boundOf(expected)} ${typeof input === "string" ? "characters" : "entries"} long`;
    case "regex":
      return `of the form ${expected}`;
    default:
      return expected;
  }
};

const bounds: Readonly<Record<string, string>> = {
  ">=": "at least",
  "<=": "at most",
  ">": "more than",
  "<": "less than",
};

/** `>=1` as people say it: `at least 1`. */
const boundOf = (expected: string | null): string => {
  const [, sign = "", limit = ""] = /^([<>]=?)(.*)$/.exec(expected ?? "") ?? [];
  return `${bounds[sign] ?? ""} ${limit}`.trim();
};
