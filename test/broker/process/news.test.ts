import { expect, test } from "bun:test";
import { BrokerClient } from "../../../src/broker/client/client.ts";
import { createDispatch } from "../../../src/broker/process/dispatch.ts";
import { serveLocally } from "../../../src/broker/process/local.ts";
import { problemLines, withNews } from "../../../src/broker/process/news.ts";
import type { Caller } from "../../../src/core/operation.ts";
import { noHosts, noSessions, operations } from "./fake-operations.ts";
import { caller } from "./raw-peer.ts";

const serving = (news: string[]) => {
  const { client, close } = serveLocally(
    withNews(news, createDispatch({ operations, sessions: noSessions, hosts: noHosts, rules: [] })),
  );
  const told = async (by: Caller): Promise<string[]> => {
    const notices: string[] = [];
    const notice = (message: string): void => void notices.push(message);
    await client.call({ operation: "both", input: {}, caller: by, capture: null, notice });
    return notices;
  };
  expect(client).toBeInstanceOf(BrokerClient);
  return { told, close };
};

test("the first call of the command line is told, and nobody else", async () => {
  const { told, close } = serving(["one", "two"]);
  expect(await told({ ...caller, face: "mcp", client: "agent" })).toEqual([]);
  expect(await told(caller)).toEqual(["one", "two"]);
  expect(await told(caller)).toEqual([]);
  await close();
});

test("of many the first are told, and how many more there are", async () => {
  const { told, close } = serving(Array.from({ length: 20 }, (_, index) => `line ${index}`));
  const lines = await told(caller);
  expect(lines).toHaveLength(9);
  expect(lines.at(-1)).toBe("and 12 more of that kind");
  await close();
});

test("a problem's line names the file, or the directory", () => {
  const problems = [
    { file: "web.json", what: "is not a file" },
    { file: "", what: "is a symbolic link" },
  ];
  expect(problemLines(problems, "/home/a\nb/sessions")).toEqual([
    "/home/a\\nb/sessions/web.json is not a file",
    "/home/a\\nb/sessions is a symbolic link",
  ]);
});
