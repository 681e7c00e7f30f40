import { afterAll, describe, expect, test } from "bun:test";
import type { JSONRPCMessage, Progress } from "@modelcontextprotocol/sdk/types.js";
import { cleanup } from "../support/cleanup.ts";
import { waitFor } from "../support/wait.ts";
import { execResult, FakeClient } from "./fake-client.ts";
import { connect, nthCall } from "./official-client.ts";

afterAll(cleanup);

describe("progress", () => {
  test("comes while a call with a token runs, grows, and stops before the answer", async () => {
    const broker = new FakeClient();
    const { exec, received } = await connect(broker, 5);
    const seen: Progress[] = [];
    const running = exec("sleep 600", { onprogress: (progress) => seen.push(progress) });
    const { resolve } = await nthCall(broker, 0);
    await waitFor(() => seen.length >= 3, { what: "three notifications" });
    resolve(execResult());
    await running;
    for (const [index, { progress, message }] of seen.entries()) {
      expect(progress).toBeGreaterThan(seen[index - 1]?.progress ?? 0);
      expect(message).toMatch(/^running, \d+ s$/);
    }

    // Time for as many again, measured by another call. The wire is looked at: the client drops what comes too late.
    const later: Progress[] = [];
    const second = exec("sleep 600", { onprogress: (progress) => later.push(progress) });
    await waitFor(() => later.length >= 3, { what: "three notifications of the second call" });
    (await nthCall(broker, 1)).resolve(execResult());
    await second;
    const [first] = progressTokens(received);
    expect(progressTokens(received).filter((token) => token === first).length).toBe(seen.length);
  });

  test("says what the operation says", async () => {
    const broker = new FakeClient();
    const { exec } = await connect(broker, 5);
    const seen: Progress[] = [];
    const running = exec("sleep 600", { onprogress: (progress) => seen.push(progress) });
    const { options, resolve } = await nthCall(broker, 0);
    options.progress?.(0, "3 of 5 files\u0007", null);
    await waitFor(() => /^3 of 5 files\\x07, \d+ s$/.test(seen.at(-1)?.message ?? ""), {
      what: "the operation's own words",
    });
    resolve(execResult());
    await running;
  });

  test("is not sent to a client that did not ask", async () => {
    const broker = new FakeClient();
    const { exec, received } = await connect(broker, 5);
    const quiet = exec("sleep 600");
    const loud = exec("sleep 600", { onprogress: () => {} });
    const [first, second] = [await nthCall(broker, 0), await nthCall(broker, 1)];
    expect([first.options.progress, second.options.progress]).toEqual([undefined, expect.any(Function)]);
    await waitFor(() => progressTokens(received).length >= 3, { what: "three notifications of the call that asked" });
    expect(new Set(progressTokens(received)).size).toBe(1);
    second.resolve(execResult());
    await loud;
    first.resolve(execResult());
    await quiet;
  });
});

const progressTokens = (received: JSONRPCMessage[]): unknown[] =>
  received.flatMap((message) =>
    "method" in message && message.method === "notifications/progress" ? [message.params?.["progressToken"]] : [],
  );
