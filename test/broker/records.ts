import type { SessionRecord } from "../../src/store/session-record.ts";

/** The record of a session that was used just now. */
export const recordOf = (name: string): SessionRecord => ({
  version: 1,
  key: "ab".repeat(32),
  name,
  title: null,
  request: { destination: name, user: null, port: null, identityFiles: [], configFile: null, options: [] },
  chosenBy: "cli",
  resolved: { host: "192.0.2.1", port: 22, user: "ann" },
  hostKey: `SHA256:${"A".repeat(43)}`,
  authMethod: "publickey",
  openedBy: { face: "cli", client: "cli" },
  lent: true,
  keptPrivate: false,
  createdAt: new Date().toISOString(),
  lastUsedAt: new Date().toISOString(),
  ttlMs: 900_000,
  needsPerson: false,
});
