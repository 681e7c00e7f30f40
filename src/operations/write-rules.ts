/** What `write-file` takes, and the bytes it brings along. */
import * as v from "valibot";
import { SshMcpError } from "../core/errors.ts";
import type { Context, Issue } from "../core/operation.ts";
import { isSha256 } from "./file-hash.ts";
import { flagField, namedIssues, sudoField, sudoIssues } from "./path-fields.ts";
import { remoteField, targetIssues } from "./text-fields.ts";

/** Bytes that fit, with all that is around them, into one message to the broker; more comes by stdin. */
const longestContent = 512 * 1024;

const text = (description: string) => v.optional(v.pipe(v.string(), v.description(description)));

export const writeFileFields = {
  ...remoteField,
  content: text("This text instead of standard input"),
  contentBase64: text("These bytes instead of standard input, in base64"),
  append: flagField("Add to the end of the file"),
  mode: text("Permission bits in octal, as 0644"),
  parents: flagField("Make the directories above it that are not there"),
  ifAbsent: flagField("Fail when there is a file already"),
  ifSha256: text("Fail unless the file has this SHA-256 now"),
  sudo: sudoField,
};

export type WriteInput = v.InferOutput<v.StrictObjectSchema<typeof writeFileFields, undefined>>;

export const writeIssues = (input: WriteInput): Issue[] => [
  ...targetIssues(input.target),
  ...namedIssues("path", input.path),
  ...(input.path.endsWith("/") ? [{ field: "path", message: "names a directory" }] : []),
  ...contentIssues(input),
  ...(input.mode === undefined || /^[0-7]{3,4}$/.test(input.mode)
    ? []
    : [{ field: "mode", message: "must be three or four octal digits, as 0644" }]),
  ...shaIssues(input.ifSha256),
  ...(input.ifAbsent === true && input.ifSha256 !== undefined
    ? [{ field: "ifAbsent", message: "cannot be given beside {ifSha256}" }]
    : []),
  ...sudoIssues(input.sudo),
];

export const shaIssues = (text: string | undefined): Issue[] =>
  text === undefined || isSha256(text) ? [] : [{ field: "ifSha256", message: "must be 64 hexadecimal digits" }];

const contentIssues = ({ content, contentBase64 }: WriteInput): Issue[] => {
  if (content !== undefined && contentBase64 !== undefined)
    return [{ field: "contentBase64", message: "cannot be given beside {content}" }];
  const most = `must be at most ${longestContent} bytes: more comes by ssh-mcp write, or ssh_transfer`;
  if (content !== undefined && Buffer.byteLength(content) > longestContent)
    return [{ field: "content", message: most }];
  if (content?.isWellFormed() === false)
    return [
      { field: "content", message: "holds half a character (a lone surrogate): give its bytes as {contentBase64}" },
    ];
  if (contentBase64 === undefined) return [];
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(contentBase64) || contentBase64.length % 4 !== 0)
    return [{ field: "contentBase64", message: "is not base64 (RFC 4648, section 4, with padding)" }];
  return Buffer.byteLength(contentBase64, "base64") > longestContent ? [{ field: "contentBase64", message: most }] : [];
};

/**
 * The content: a field's, else standard input, which only the command line has.
 * @throws SshMcpError INVALID_INPUT
 */
export const contentOf = ({ content, contentBase64 }: WriteInput, context: Context): AsyncIterable<Uint8Array> => {
  if (content !== undefined) return once(Buffer.from(content));
  if (contentBase64 !== undefined) return once(Buffer.from(contentBase64, "base64"));
  if (context.caller.face === "cli") return context.stdin;
  throw new SshMcpError("INVALID_INPUT", "content is required, or contentBase64");
};

export const once = async function* (bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  if (bytes.length > 0) yield bytes;
};
