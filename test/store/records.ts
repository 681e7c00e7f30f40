import type { SessionRecord } from "../../src/store/session-record.ts";

/** A record as a broker writes it, with what a test wants different. */
export const recordOf = (name: string, changes: Partial<SessionRecord> = {}): SessionRecord => ({
  version: 1,
  key: "0123456789abcdef".repeat(4),
  name,
  title: null,
  request: { destination: "web", user: null, port: null, identityFiles: [], configFile: null, options: [] },
  chosenBy: "cli",
  resolved: { host: "web.example.org", port: 22, user: "ann" },
  hostKey: `SHA256:${"A".repeat(43)}`,
  authMethod: "publickey",
  openedBy: { face: "cli", client: "cli" },
  lent: true,
  keptPrivate: false,
  createdAt: new Date(Date.now() - 60_000).toISOString(),
  lastUsedAt: new Date().toISOString(),
  ttlMs: 900_000,
  needsPerson: false,
  ...changes,
});
