import { commentIn, lexLine } from "../ssh-config/files/lexer.ts";
import { keywordNamed } from "../ssh-config/keywords.ts";
import { requestOrigin } from "../ssh-config/origin.ts";
import { line as wholeLine } from "../ssh-config/values/value-checks.ts";

/**
 * What ssh takes for a comment at the end of a line, with the blanks before it; empty without one. A command goes on to the end of its line.
 * @throws SshMcpError INVALID_INPUT for a line that ssh would not take
 */
export const commentOf = (line: string): string => {
  const lexed = lexLine(line, requestOrigin);
  const keyword = lexed === null ? undefined : keywordNamed(lexed.keyword);
  if (lexed === null || keyword?.check === wholeLine) return "";
  // It ends a list of jumps wherever it stands.
  return keyword?.name === "proxyjump" ? (/[ \t]*#.*$/.exec(lexed.rest)?.[0] ?? "") : commentIn(lexed.rest);
};

/** The line with a comment of another one, where it has none and may have one. */
export const withComment = (line: string, comment: string): string => {
  // A comment there would make a host of it.
  const isBare = /^proxyjump[ \t]+none$/i.test(line);
  return comment === "" || isBare || commentOf(line) !== "" || commentOf(line + comment) !== comment
    ? line
    : line + comment;
};
