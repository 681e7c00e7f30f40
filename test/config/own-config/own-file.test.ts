import { describe, expect, test } from "bun:test";
import { changed, findEntry, findProposal, newEntry } from "../../../src/config/own-config/entry-edit.ts";
import { linesFor } from "../../../src/config/own-config/entry-fields.ts";
import {
  bodyOf,
  entriesOf,
  linesOf,
  proposed,
  textOf,
  withAppended,
  withoutEntry,
  withReplaced,
} from "../../../src/config/own-config/own-file.ts";
import type { HostFields } from "../../../src/core/hosts.ts";
import { thrownBy } from "../ssh-config/thrown.ts";

const path = "/b/ssh_config";

const file = `# mine
Host a
\tHostName a.example.com # the first
\tPort = 2222

  # about b
Host b
    User me
    IdentityFile ~/.ssh/one
    IdentityFile ~/.ssh/two
    # the end of b

#ssh-mcp proposed c by editor 1.0
#| Host c
#|     HostName 192.0.2.9

Host x y
    Port 1
Match all
    Compression yes
`;

const set = (text: string, name: string, fields: HostFields, unset: readonly string[] = []): string => {
  const lines = linesOf(text);
  const entry = findEntry(lines, path, name);
  if (entry === null) throw new Error(`there is no ${name}`);
  const body = changed(bodyOf(lines, entry), { path, start: entry.start }, linesFor(name, fields), unset);
  return textOf(withReplaced(lines, entry, body));
};

test("entries: those of Host lines, and those that are proposed", () => {
  expect(entriesOf(linesOf(file), path)).toEqual([
    { names: ["a"], start: 1, end: 4, proposedBy: null },
    { names: ["b"], start: 6, end: 10, proposedBy: null },
    { names: ["c"], start: 12, end: 15, proposedBy: "editor 1.0" },
    { names: ["x", "y"], start: 16, end: 18, proposedBy: null },
  ]);
});

test("a new entry stands at the end, with one blank line before", () => {
  const body = newEntry("n", linesFor("n", { port: 1 }));
  const added = (text: string): string => textOf(withAppended(linesOf(text), body));
  expect(added("")).toBe("Host n\n    Port 1\n");
  expect(added("Host a\nPort 2\n")).toBe("Host a\nPort 2\n\nHost n\n    Port 1\n");
  expect(added("Host a\nPort 2")).toBe("Host a\nPort 2\n\nHost n\n    Port 1\n");
  expect(added("# x\n\n")).toBe("# x\n\nHost n\n    Port 1\n");
});

describe("a change", () => {
  test("takes the place of the line, and leaves every other byte", () => {
    expect(set(file, "a", { port: 22 })).toBe(file.replace("\tPort = 2222", "\tPort 22"));
    expect(set(file, "b", { identityFile: ["x"] })).toBe(
      file.replace("    IdentityFile ~/.ssh/one\n    IdentityFile ~/.ssh/two", "    IdentityFile x"),
    );
  });

  test("adds what is not there below the last line, with the indent of the others", () => {
    expect(set(file, "a", { user: "u" })).toBe(file.replace("\tPort = 2222\n", "\tPort = 2222\n\tUser u\n"));
  });

  test("takes out by our names and by ssh's, in any case", () => {
    expect(set(file, "a", {}, ["host", "PORT"])).toBe(
      file.replace("\tHostName a.example.com # the first\n\tPort = 2222\n", ""),
    );
    expect(set(file, "b", {}, ["identity-file"])).not.toContain("IdentityFile");
    expect(thrownBy(() => set(file, "b", {}, ["port"]))).toMatchObject({ code: "NOT_FOUND" });
  });

  test("keeps the line ends of Windows", () => {
    expect(set("Host a\r\n  Port 1\r\n", "a", { port: 2, user: "u" })).toBe("Host a\r\n  Port 2\r\n  User u\r\n");
  });

  test("is not made where a Host line is about several", () => {
    expect(thrownBy(() => findEntry(linesOf(file), path, "x"))).toMatchObject({
      code: "PRECONDITION_FAILED",
      message: "/b/ssh_config:17 is about 2 names, x among them",
    });
    expect(findEntry(linesOf(file), path, "nobody")).toBeNull();
  });
});

describe("what is taken out", () => {
  const without = (text: string, name: string): string => {
    const lines = linesOf(text);
    const entry = findProposal(lines, path, name) ?? findEntry(lines, path, name);
    return entry === null ? text : textOf(withoutEntry(lines, entry));
  };

  test("goes with one blank line, and its comments stay", () => {
    expect(without(file, "a")).toBe(file.replace("Host a\n\tHostName a.example.com # the first\n\tPort = 2222\n", ""));
    expect(without(file, "c")).toBe(
      file.replace("#ssh-mcp proposed c by editor 1.0\n#| Host c\n#|     HostName 192.0.2.9\n\n", ""),
    );
  });

  test("what was added is as if it had never been", () => {
    for (const before of ["# x\n", "Host a\n  Port 1\n", "# x\n\n"]) {
      const after = textOf(withAppended(linesOf(before), newEntry("n", linesFor("n", { port: 1 }))));
      expect(without(after, "n")).toBe(before.replace(/\n\n$/, "\n"));
    }
  });
});

test("a proposal is a comment, whatever its author is called", () => {
  const body = newEntry("n", linesFor("n", { port: 1 }));
  const by = "evil\nHost *\n  ProxyCommand x\u001b[2J";
  const text = textOf(withAppended(linesOf(""), proposed("n", body, by)));
  expect(text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))).toEqual([]);
  const lines = linesOf(text);
  const [entry] = entriesOf(lines, path);
  expect(entry).toMatchObject({ names: ["n"] });
  expect(entry === undefined ? [] : bodyOf(lines, entry)).toEqual(body);
});
