/** The C library itself, for the little that Bun has no function for. */
import { dlopen, type FFIFunction, read } from "bun:ffi";
import { errorCode } from "../core/error-code.ts";

const isMac = process.platform === "darwin";

/** glibc, musl (which has the machine's name in its own), macOS. */
const names = isMac
  ? ["libc.dylib", "/usr/lib/libSystem.B.dylib"]
  : ["libc.so.6", `libc.musl-${process.arch === "arm64" ? "aarch64" : "x86_64"}.so.1`, "libc.so"];

/** @throws Error that says what was tried, when there is no such library or it lacks a function */
export const openLibc = <Functions extends Record<string, FFIFunction>>(functions: Functions) => {
  const failures: string[] = [];
  for (const name of names) {
    try {
      return dlopen(name, functions).symbols;
    } catch (failure) {
      failures.push(`${name}: ${errorCode(failure)}`);
    }
  }
  throw new Error(failures.join("; "));
};

/**
 * What the last call left in errno. The runtime may have called something else in between: an unexpected number is no proof.
 * @throws Error as `openLibc`
 */
export const openErrno = (): (() => number) => {
  const location = { args: [], returns: "ptr" } as const;
  const symbols = isMac ? openLibc({ __error: location }) : openLibc({ __errno_location: location });
  // The place of this thread's errno stays the same.
  const place = "__error" in symbols ? symbols.__error() : symbols.__errno_location();
  if (place === null) throw new Error("errno has no place");
  return () => read.i32(place, 0);
};
