import { expect, test } from "bun:test";
import { placeOf } from "../../src/core/place.ts";

const gone = (): never => {
  throw new Error("ENOENT: getcwd");
};

test("a process stands in its directory, with its agent", () => {
  expect(placeOf({ cwd: () => "/srv", env: { SSH_AUTH_SOCK: "/agent" } })).toEqual({
    cwd: "/srv",
    agentSocket: "/agent",
  });
});

test.each([{}, { SSH_AUTH_SOCK: "" }, { SSH_AUTH_SOCK: undefined }])("with %j there is no agent", (env) => {
  expect(placeOf({ cwd: () => "/srv", env }).agentSocket).toBeNull();
});

test("a directory that was removed is the root", () => {
  expect(placeOf({ cwd: gone, env: {} }).cwd).toBe("/");
});
