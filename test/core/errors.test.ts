import { describe, expect, test } from "bun:test";
import { type ErrorCode, errorCodes, SshMcpError, toSshMcpError } from "../../src/core/errors.ts";

/** Codes are API. A new one is appended here by hand; none ever leaves. */
const published =
  "USAGE INVALID_INPUT CONFIG_INVALID KEY_INVALID NOT_FOUND ALREADY_EXISTS PRECONDITION_FAILED AUTH_FAILED AUTH_REQUIRED " +
  "HOST_KEY_UNKNOWN HOST_KEY_CHANGED HOST_KEY_REVOKED NO_COMMON_ALGORITHM PROTOCOL_ERROR DNS_FAILED CONNECT_REFUSED " +
  "CONNECT_TIMEOUT UNREACHABLE CONNECTION_LOST OUTCOME_UNKNOWN TIMEOUT CANCELED SESSION_NOT_FOUND SESSION_LIMIT " +
  "CHANNEL_REFUSED SHELL_BUSY SHELL_EXITED TERMINAL_TAKEN REMOTE_PERMISSION REMOTE_IO LOCAL_IO CHECKSUM_MISMATCH TOO_LARGE " +
  "UNSUPPORTED POLICY_DENIED APPROVAL_REQUIRED BROKER_UNAVAILABLE SANDBOX_BLOCKED INTERNAL";

const retryable: ErrorCode[] = [
  "AUTH_REQUIRED",
  "DNS_FAILED",
  "CONNECT_REFUSED",
  "CONNECT_TIMEOUT",
  "UNREACHABLE",
  "CONNECTION_LOST",
  "SESSION_LIMIT",
  "CHANNEL_REFUSED",
  "SHELL_BUSY",
  "APPROVAL_REQUIRED",
  "BROKER_UNAVAILABLE",
];

describe("error codes", () => {
  test("are the published ones", () => {
    expect<readonly string[]>(errorCodes).toEqual(published.split(" "));
  });

  test("say whether the same call may succeed later", () => {
    const found = errorCodes.filter((code) => new SshMcpError(code, "x").retryable);
    expect(found).toEqual(retryable);
  });

  test("what may have run already, and what would lock an account, is not for a retry", () => {
    for (const code of ["OUTCOME_UNKNOWN", "TIMEOUT", "CANCELED", "AUTH_FAILED", "HOST_KEY_CHANGED"] as const) {
      expect([code, new SshMcpError(code, "x").retryable]).toEqual([code, false]);
    }
  });
});

describe("an error", () => {
  test("has every field in its record, absent ones as null", () => {
    expect(new SshMcpError("NOT_FOUND", "no such file").toRecord()).toEqual({
      code: "NOT_FOUND",
      message: "no such file",
      hint: null,
      retryable: false,
    });
    const full = new SshMcpError("NOT_FOUND", "no such file", { hint: "ssh-mcp ls web:", retryable: true, cause: 1 });
    expect(full.toRecord()).toEqual({
      code: "NOT_FOUND",
      message: "no such file",
      hint: "ssh-mcp ls web:",
      retryable: true,
    });
    expect(full.cause).toBe(1);
  });

  test("is an Error of its own name, without a cause when none was given", () => {
    const error = new SshMcpError("INTERNAL", "x");
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe("SshMcpError");
    expect("cause" in error).toBe(false);
  });

  test.each([...errorCodes])("%s crosses a process border unchanged", (code) => {
    for (const details of [{}, { hint: "h" }, { retryable: true }, { hint: "h", retryable: false }]) {
      const record = new SshMcpError(code, "m", details).toRecord();
      expect(SshMcpError.fromRecord(JSON.parse(JSON.stringify(record))).toRecord()).toEqual(record);
    }
  });

  test("an unknown code of a newer peer stays readable", () => {
    const error = SshMcpError.fromRecord({ code: "FROM_TOMORROW", message: "m", hint: null, retryable: true });
    expect(error.toRecord()).toEqual({ code: "INTERNAL", message: "FROM_TOMORROW: m", hint: null, retryable: true });
    expect(SshMcpError.fromRecord({ code: "toString", message: "m" }).code).toBe("INTERNAL");
  });
});

describe("whatever was thrown", () => {
  test("an error with a code is kept as it is", () => {
    const error = new SshMcpError("USAGE", "x");
    expect(toSshMcpError(error)).toBe(error);
  });

  test.each<[name: string, thrown: unknown, message: string]>([
    ["an error", new TypeError("boom"), "boom"],
    ["a string", "boom", "boom"],
    ["a number", 42, "42"],
    ["undefined", undefined, "undefined"],
    ["null", null, "null"],
    ["an error without a message", new Error(""), "an unexpected error without a message"],
    ["an empty string", "", "an unexpected error without a message"],
  ])("%s becomes INTERNAL with its cause", (_name, thrown, message) => {
    const error = toSshMcpError(thrown);
    expect([error.code, error.message, error.retryable]).toEqual(["INTERNAL", message, false]);
    expect(error.hint).toContain("ssh-mcp --version");
    expect(error.cause).toBe(thrown);
  });
});
