/** What `read-file` takes. */
import * as v from "valibot";
import type { Limits, Wanted } from "../core/files/text/text-window.ts";
import type { Issue } from "../core/operation.ts";
import { largestAnswerBytes } from "../core/outputs.ts";
import { flagField, pathIssues, sudoField, sudoIssues } from "./path-fields.ts";
import { remoteField, targetIssues } from "./text-fields.ts";

/** Lines, and bytes, of an answer that nobody asked to be longer. */
const usualLines = 2000;
const usualBytes = 64 * 1024;

const number = (text: string) => v.optional(v.pipe(v.number(), v.description(text)));

/** Bounds are in `readIssues`. */
export const readFileFields = {
  ...remoteField,
  path: v.pipe(v.string(), v.description("The file, from the home directory; several are printed one after the other")),
  startLine: number("The first line, from 1"),
  endLine: number("The last line"),
  tail: number("The last lines, so many"),
  offset: number("The byte to begin with, from 0"),
  limit: number("So many bytes at most"),
  lineNumbers: flagField("Number the lines"),
  base64: flagField("With --json, give the bytes in base64"),
  hash: flagField("With --json, read all of a long file for its sha256 and its lines"),
  sudo: sudoField,
};

export type ReadInput = v.InferOutput<v.StrictObjectSchema<typeof readFileFields, undefined>>;

export const readIssues = (input: ReadInput): Issue[] => [
  ...targetIssues(input.target),
  ...pathIssues("path", input.path),
  ...sudoIssues(input.sudo),
  ...whole(input, "startLine", 1),
  ...whole(input, "endLine", 1),
  ...whole(input, "tail", 1),
  ...whole(input, "offset", 0),
  ...whole(input, "limit", 1),
  ...togetherIssues(input),
];

type Field = keyof ReadInput;

const whole = (input: ReadInput, field: Field, least: number): Issue[] => {
  const value = input[field];
  return value === undefined || (Number.isSafeInteger(value) && Number(value) >= least)
    ? []
    : [{ field, message: `must be a whole number from ${least}` }];
};

const togetherIssues = (input: ReadInput): Issue[] => {
  const starts = (["startLine", "tail", "offset"] as const).filter((field) => input[field] !== undefined);
  const { startLine, endLine, offset, tail, lineNumbers, base64 } = input;
  const clash = (field: Field, other: Field): Issue => ({ field, message: `cannot be given beside {${other}}` });
  return [
    ...(starts[0] !== undefined && starts[1] !== undefined ? [clash(starts[1], starts[0])] : []),
    ...(endLine !== undefined && tail !== undefined ? [clash("endLine", "tail")] : []),
    ...(endLine !== undefined && offset !== undefined ? [clash("endLine", "offset")] : []),
    ...(endLine !== undefined && startLine !== undefined && endLine < startLine
      ? [{ field: "endLine", message: "must not be less than {startLine}" }]
      : []),
    ...(lineNumbers === true && base64 === true ? [clash("lineNumbers", "base64")] : []),
    ...(lineNumbers === true && offset !== undefined ? [clash("lineNumbers", "offset")] : []),
  ];
};

/** @param length bytes wanted at most, where the part is one of bytes */
export const wantedOf = ({ startLine, endLine, tail, offset }: ReadInput, length: number | null): Wanted => {
  if (tail !== undefined) return { kind: "tail", lines: tail };
  if (offset !== undefined) return { kind: "bytes", offset, length };
  return { kind: "lines", from: startLine ?? 1, to: endLine ?? null };
};

/** Of an answer. */
export const limitsOf = ({ limit, endLine, tail, offset }: ReadInput): Limits => ({
  bytes: Math.min(limit ?? usualBytes, largestAnswerBytes),
  lines: [limit, endLine, tail, offset].some((each) => each !== undefined) ? Number.MAX_SAFE_INTEGER : usualLines,
});
