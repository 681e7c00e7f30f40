import { describe, expect, test } from "bun:test";
import { accounts } from "../../src/files/passwd.ts";
import { expandTilde, homeDirectory } from "../../src/files/paths.ts";

describe("homeDirectory", () => {
  test("is $HOME, when that is an absolute path", () => {
    expect(homeDirectory({ HOME: "/home/ann" })).toBe("/home/ann");
    expect(homeDirectory()).toBe(homeDirectory(process.env));
  });

  test("else what passwd says", () => {
    const own = accounts().find((account) => account.uid === process.getuid?.())?.home;
    expect(own).toStartWith("/");
    expect(homeDirectory({})).toBe(own as string);
    expect(homeDirectory({ HOME: "" })).toBe(own as string);
    expect(homeDirectory({ HOME: "relative" })).toBe(own as string);
  });
});

describe("expandTilde", () => {
  test.each([
    ["~", "/home/ann/"],
    ["~/", "/home/ann/"],
    ["~/.ssh/id", "/home/ann/.ssh/id"],
    ["~//x//y", "/home/ann/x//y"],
    ["~root/x", "/root/x"],
    ["~root", "/root/"],
    ["~nobody-has-this-name/x", null],
    ["a/~/b", "a/~/b"],
    ["/~", "/~"],
    ["", ""],
  ])("%p is %p", (path, expected) => {
    expect(expandTilde(path, "/home/ann")).toBe(expected);
  });
});
