import { afterAll, describe, expect, test } from "bun:test";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { InMemoryTransport } from "@modelcontextprotocol/sdk/inMemory.js";
import { ListRootsRequestSchema } from "@modelcontextprotocol/sdk/types.js";
import { parseServeOptions, type ServeSettings } from "../../src/mcp/serve-options.ts";
import { AgentServer } from "../../src/mcp/server.ts";
import { copied } from "../operations/fake-transfers.ts";
import { cleanup, onCleanup } from "../support/cleanup.ts";
import { tempDir } from "../support/temp.ts";
import { execResult, FakeClient } from "./fake-client.ts";

afterAll(cleanup);

interface Peer {
  /** What it answers when it is asked for its roots; null for a client that has none to name. */
  roots: (() => string[]) | null;
  listChanged?: boolean;
  settings?: ServeSettings;
}

const connect = async ({ roots, listChanged = false, settings }: Peer) => {
  const broker = new FakeClient(({ operation }) =>
    operation === "transfer" ? { ...copied, failures: [], durationMs: 1 } : execResult(),
  );
  const agent = new AgentServer(broker, {
    ...{ cwd: "/somewhere", agentSocket: null, environment: {} },
    ...(settings === undefined ? {} : { settings }),
  });
  const client = new Client(
    { name: "Test Client", version: "1" },
    { capabilities: roots === null ? {} : { roots: { listChanged } } },
  );
  let asked = 0;
  if (roots !== null) {
    client.setRequestHandler(ListRootsRequestSchema, () => {
      asked++;
      return { roots: roots().map((uri) => ({ uri })) };
    });
  }
  const [ours, theirs] = InMemoryTransport.createLinkedPair();
  await agent.server.connect(theirs);
  await client.connect(ours);
  onCleanup(() => client.close());
  const copy = async (sources: unknown, destination: unknown) => {
    const answer = await client.callTool({ name: "ssh_transfer", arguments: { sources, destination } });
    return { answer, text: JSON.stringify(answer.content), local: broker.calls.at(-1)?.options.local };
  };
  return { broker, client, copy, asked: () => asked };
};

describe("a client that names roots", () => {
  test("opens these, decoded, and no others", async () => {
    const uris = ["file:///home/a%20b", "file://elsewhere/y", "file:///a%2Fb", "file:///a%00b", "file://localhost/c"];
    const { copy } = await connect({ roots: () => uris });
    const { answer, local } = await copy(["web:x"], "y");
    expect(answer.isError).toBeUndefined();
    expect(local).toEqual({ roots: ["/home/a b", "/c"], secretsAllowed: false });
  });

  test("is asked again when they have changed, and every time when it would not say so", async () => {
    let uris = ["file:///one"];
    const quiet = await connect({ roots: () => uris });
    const telling = await connect({ roots: () => uris, listChanged: true });
    for (const { copy } of [quiet, telling]) {
      await copy(["web:x"], "y");
      expect((await copy(["web:x"], "y")).local?.roots).toEqual(["/one"]);
    }
    expect([quiet.asked(), telling.asked()]).toEqual([2, 1]);
    uris = ["file:///two"];
    await telling.client.sendRootsListChanged();
    expect((await telling.copy(["web:x"], "y")).local?.roots).toEqual(["/two"]);
    expect((await quiet.copy(["web:x"], "y")).local?.roots).toEqual(["/two"]);
  });

  test("is asked only where something is on this machine", async () => {
    const { copy, asked, client, broker } = await connect({ roots: () => ["file:///one"] });
    expect((await copy(["web:x"], "db:y")).local).toEqual({ roots: [], secretsAllowed: false });
    await client.callTool({ name: "ssh_exec", arguments: { target: "web", command: "true" } });
    expect(broker.calls.at(-1)?.options.local).toEqual({ roots: [], secretsAllowed: false });
    expect(asked()).toBe(0);
  });

  test("and fails to say them opens nothing", async () => {
    const { copy, broker } = await connect({
      roots: () => {
        throw new Error("not now");
      },
      listChanged: true,
    });
    const { answer, text } = await copy(["web:x"], "y");
    expect(answer.isError).toBe(true);
    expect(text).toContain("POLICY_DENIED: the client did not say which folders");
    expect(broker.calls).toEqual([]);
  });

  test("of which none is one here, or none at all, opens nothing", async () => {
    for (const uris of [[], ["https://example.org/x"]]) {
      const { copy, broker } = await connect({ roots: () => uris });
      expect((await copy(["web:x"], "y")).answer.isError).toBe(true);
      expect(broker.calls).toEqual([]);
    }
  });
});

describe("a client that names none", () => {
  test("is told both ways, and copies between servers", async () => {
    const { copy, broker } = await connect({ roots: null });
    const { answer, text } = await copy(["web:x"], "/etc/y");
    expect(answer.isError).toBe(true);
    expect(text).toContain('POLICY_DENIED: \\"/etc/y\\" is on this machine, and no folder of it is open');
    expect(text).toContain("roots/list");
    expect(text).toContain("ssh-mcp serve --local-root DIRECTORY");
    expect(broker.calls).toEqual([]);
    expect((await copy(["web:x"], "db:y")).answer.isError).toBeUndefined();
  });

  test.each([
    [null, "x"],
    [["web:x"], 5],
    [[5], ["y"]],
    ["web:x", "y"],
  ])("%p to %p is for the operation to refuse", async (sources, destination) => {
    const { copy } = await connect({ roots: () => ["file:///one"] });
    expect((await copy(sources, destination)).local?.secretsAllowed).toBe(false);
  });
});

test("what a person gave to serve counts instead of what the client says", async () => {
  const settings = { localRoots: ["/given"], secretsAllowed: true };
  const { copy, asked } = await connect({ roots: () => ["file:///one"], settings });
  expect((await copy(["web:x"], "y")).local).toEqual({ roots: ["/given"], secretsAllowed: true });
  expect(asked()).toBe(0);
});

describe("the options of serve", () => {
  const folder = tempDir("root");

  test.each([
    [[], { localRoots: null, secretsAllowed: false }],
    [["--local-root", folder], { localRoots: [folder], secretsAllowed: false }],
    [[`--local-root=${folder}/.`, "--local-root", "/"], { localRoots: [folder, "/"], secretsAllowed: false }],
    [["--allow-secret-files"], { localRoots: null, secretsAllowed: true }],
  ])("%p", async (words, expected) => {
    expect(await parseServeOptions(words)).toEqual(expected);
  });

  test.each([
    [["now"], 'serve takes no word "now"'],
    [["--json"], 'serve takes no option "--json"'],
    [["--local-root"], "--local-root needs a directory"],
    [["--local-root="], "--local-root needs a directory"],
    [["--local-root", "--allow-secret-files"], "--local-root needs a directory"],
    [["--local-root", `${folder}/none`], `--local-root: there is no directory "${folder}/none"`],
    [["--allow-secret-files=no"], "--allow-secret-files takes no value"],
  ])("%p is refused", async (words, message) => {
    await expect(parseServeOptions(words)).rejects.toMatchObject({ code: "USAGE", message });
  });
});
