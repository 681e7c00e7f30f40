/** The answer of a command on several hosts: an entry for each, with the fields of a single one and what it failed with. */
import * as v from "valibot";
import { errorCodes } from "../core/errors.ts";
import { escapeLine } from "../core/escape.ts";

const error = v.object({
  code: v.pipe(v.picklist(errorCodes), v.description("What it is")),
  message: v.pipe(v.string(), v.description("What happened to what")),
  hint: v.pipe(v.nullable(v.string()), v.description("What to do next; null when there is nothing")),
  retryable: v.pipe(v.boolean(), v.description("Whether the same call may succeed later")),
});

/** @param fields of the answer of one host */
export const hostsField = <Fields extends v.ObjectEntries>(fields: Fields) =>
  v.pipe(
    v.nullable(
      v.array(
        v.object({
          ...fields,
          error: v.pipe(v.nullable(error), v.description("Why it has no result; else null")),
        }),
      ),
    ),
    v.description("Of several targets, in their order: what each answered, or its error; else null"),
  );

interface Entry {
  target: string;
  outcome: string | null;
  exitCode: number | null;
  jobId: string | null;
  error: v.InferOutput<typeof error> | null;
}

/** @param one the text of an entry that has a result */
export const severalText = <E extends Entry>(entries: readonly E[], one: (entry: E) => string): string => {
  const count = (fits: (entry: E) => boolean) => entries.filter(fits).length;
  const good = count(({ exitCode }) => exitCode === 0);
  const told = count(({ outcome }) => outcome === "exited") - good;
  const goingOn = count(({ jobId }) => jobId !== null);
  const rest = entries.length - good - told - goingOn;
  const head = [
    `${good} of ${entries.length} hosts: exit status 0`,
    ...(told === 0 ? [] : [`${told} with another status`]),
    ...(goingOn === 0 ? [] : [`${goingOn} going on as ${goingOn === 1 ? "a job" : "jobs"}`]),
    ...(rest === 0 ? [] : [`${rest} WITHOUT A STATUS`]),
  ].join("; ");
  return [
    head,
    ...entries.map((entry) => (entry.error === null ? one(entry) : failure(entry.target, entry.error))),
  ].join("\n\n");
};

const failure = (target: string, { code, message, hint }: v.InferOutput<typeof error>): string =>
  [
    `${code} on ${escapeLine(target)}: ${escapeLine(message)}`,
    ...(hint === null ? [] : [`hint: ${escapeLine(hint)}`]),
  ].join("\n");
