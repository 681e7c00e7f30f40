/** Files and directories, which both faces read, write, edit and list alike. */
import { chownSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FaceCase } from "./cases.ts";

const error = (code: string) => ({ error: { code } });

/** A file of the user's own, which is there already for both. */
const ownFile = (sshd: string): string => {
  const home = `/home/${sshd.slice(0, sshd.indexOf("@"))}`;
  const path = join(home, "face");
  const { uid, gid } = statSync(home);
  writeFileSync(path, "before\n");
  chownSync(path, uid, gid);
  return path;
};

export const contentCases: readonly FaceCase[] = [
  {
    name: "names by a pattern",
    operation: "list-directory",
    input: ({ alias }) => ({ target: alias, path: "/etc", glob: "debian_version" }),
    expected: { path: "/etc", entries: [{ path: "debian_version", type: "file", uid: 0 }], token: null },
  },
  {
    name: "a directory that there is not",
    operation: "list-directory",
    input: ({ alias }) => ({ target: alias, path: "/nowhere" }),
    expected: error("NOT_FOUND"),
    ownWords: true,
  },
  {
    name: "a file of facts",
    operation: "read-file",
    input: ({ alias }) => ({ target: alias, path: "/etc/passwd", startLine: 1, endLine: 1, lineNumbers: true }),
    expected: { content: "     1\troot:x:0:0:root:/root:/bin/bash\n", startLine: 1, endLine: 1, encoding: "utf-8" },
  },
  {
    name: "a file without a size",
    operation: "read-file",
    input: ({ alias }) => ({ target: alias, path: "/proc/version" }),
    expected: { cut: false, startLine: 1, lines: 1 },
  },
  {
    name: "bytes that are no text",
    operation: "read-file",
    input: ({ alias }) => ({ target: alias, path: "/bin/sh", offset: 0, limit: 4, base64: true }),
    expected: { content: "f0VMRg==", encoding: "base64", cut: true, nextOffset: 4 },
  },
  {
    name: "a directory",
    operation: "read-file",
    input: ({ alias }) => ({ target: alias, path: "/etc" }),
    expected: error("REMOTE_IO"),
    ownWords: true,
  },
  {
    name: "a file that there is not",
    operation: "read-file",
    input: ({ alias }) => ({ target: alias, path: "/nowhere\u202e" }),
    expected: error("NOT_FOUND"),
  },
  {
    name: "a file in a directory that there is not",
    operation: "write-file",
    input: ({ alias }) => ({ target: alias, path: "/nowhere/x", content: "x\n" }),
    expected: error("NOT_FOUND"),
  },
  {
    name: "a file that has changed",
    operation: "write-file",
    input: ({ alias }) => ({ target: alias, path: "/etc/passwd", content: "x", ifSha256: "0".repeat(64) }),
    expected: error("PRECONDITION_FAILED"),
    ownWords: true,
  },
  {
    name: "content",
    operation: "write-file",
    input: ({ alias, sshd }) => ({ target: alias, path: ownFile(sshd), content: "x\n", mode: "0600" }),
    expected: { bytes: 2, mode: "0600", created: false },
  },
  {
    name: "a diff that is only tried",
    operation: "edit-file",
    input: ({ alias }) => ({ target: alias, path: "/nowhere", diff: "@@ -0,0 +1 @@\n+x\n", dryRun: true }),
    expected: {
      changed: true,
      written: false,
      created: true,
      diff: "--- /dev/null\n+++ /nowhere\n@@ -0,0 +1 @@\n+x\n",
    },
  },
  {
    name: "a text that is not there",
    operation: "edit-file",
    input: ({ alias }) => ({ target: alias, path: "/etc/hostname", diff: "@@ -1 +1 @@\n-no such name\n+x\n" }),
    expected: error("INVALID_INPUT"),
    ownWords: true,
  },
];
