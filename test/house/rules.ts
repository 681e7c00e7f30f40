/**
 * What each part of src may import; ARCHITECTURE.md says the same in words. A wrong rule is changed here and there together.
 * Type-only imports are arrows like any other: a folder that needs another's types depends on it.
 */

export interface Rule {
  /** The parts it may import besides itself. */
  parts: readonly string[];
  /** Packages by name: anywhere in the part, in types only, or in these files only. */
  packages: Readonly<Record<string, "anywhere" | "types" | readonly string[]>>;
  /** Whether node: and bun: modules may be imported. A part without them is pure, or reaches the world through what it is handed. */
  builtins: boolean;
  /** Parts that may be imported dynamically only. */
  lazily?: readonly string[];
}

/** The broker's client side: what faces may import of it. What these import inside the broker belongs to it as well. */
export const clientSide = [
  "broker/wire/protocol.ts",
  "broker/client/client.ts",
  "broker/client/remote.ts",
  // The command line's warm path is made of these.
  "broker/wire/frame.ts",
  "broker/wire/opening.ts",
  "broker/wire/socket-transport.ts",
  "broker/client/call-errors.ts",
  "broker/client/silence.ts",
];

const folders = ["core", "files", "config", "policy", "ssh", "store", "operations", "broker client", "broker"];
const faces = ["cli", "mcp"];

export const rules: Readonly<Record<string, Rule>> = {
  // PURE: no input, no output, no clock.
  core: { parts: [], packages: { valibot: ["core/operation.ts", "core/schemas.ts"] }, builtins: false },
  policy: { parts: ["core"], packages: {}, builtins: false },
  // Operations reach the world through their context alone.
  operations: { parts: ["core"], packages: { valibot: "anywhere" }, builtins: false },
  files: { parts: ["core"], packages: {}, builtins: true },
  config: { parts: ["core", "files"], packages: {}, builtins: true },
  store: { parts: ["core", "files"], packages: { valibot: ["store/session-record.ts"] }, builtins: true },
  ssh: {
    parts: ["core", "files", "config"],
    // The one that ssh2 itself uses: it blocks, and runs on a thread of ours instead.
    packages: {
      ssh2: "anywhere",
      "bcrypt-pbkdf": ["ssh/auth/key-derivation-worker.ts"],
      "@noble/ciphers": ["ssh/auth/chacha20-poly1305.ts"],
    },
    builtins: true,
  },
  "broker client": { parts: ["core", "files"], packages: {}, builtins: true },
  broker: { parts: folders, packages: { valibot: "anywhere" }, builtins: true },
  cli: {
    parts: ["core", "files", "operations", "config", "broker client"],
    packages: { citty: "anywhere", consola: "anywhere", valibot: "types" },
    builtins: true,
  },
  mcp: {
    parts: ["core", "operations", "broker client"],
    packages: { "@modelcontextprotocol/sdk": "anywhere", "@valibot/to-json-schema": "anywhere" },
    builtins: true,
  },
  // Compositions: imported by main alone. They get at ssh2 and the MCP SDK through the folders that own them.
  demo: {
    parts: [...folders, ...faces],
    // src/ssh is a client. The one server of the house is the demo's.
    packages: { citty: "anywhere", consola: "anywhere", valibot: "anywhere", ssh2: "anywhere" },
    builtins: true,
  },
  doctor: {
    parts: [...folders, ...faces],
    packages: { citty: "anywhere", consola: "anywhere", valibot: "anywhere" },
    builtins: true,
  },
  main: { parts: ["core"], packages: {}, builtins: true, lazily: [...folders, ...faces, "demo", "doctor"] },
  // The build script stands outside: nothing imports it, and it imports nothing of ours but core.
  build: { parts: ["core"], packages: {}, builtins: true },
};

/** The one import that leaves src. */
export const outside: Readonly<Record<string, string>> = { "core/version.ts": "../package.json" };

/** Lines of the longest file. */
export const lineLimit = 300;
