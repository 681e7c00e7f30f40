/** Channels that are kept, on a real connection: what takes them, and what ends them. */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { type FilesLink, KeptFiles } from "../../../../src/broker/sessions/kept-files.ts";
import { SshMcpError } from "../../../../src/core/errors.ts";
import type { RemoteFiles } from "../../../../src/core/files/remote-files.ts";
import type { Connection } from "../../../../src/ssh/connection.ts";
import { open } from "../../../ssh/open.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { type KeyPair, makeKey } from "../../../support/keys.ts";
import { type Sshd, startSshd } from "../../../support/sshd.ts";
import { waitFor } from "../../../support/wait.ts";
import { cli } from "../sessions.ts";

afterAll(cleanup);

let key: KeyPair;
let sshd: Sshd;
let connection: Connection;
let ends: number;
beforeAll(async () => {
  key = await makeKey();
  sshd = await startSshd({ authorizedKeys: [key.line] });
});
beforeEach(async () => {
  connection = await open({ port: sshd.port, user: sshd.user, keys: [key.path] });
  ends = 0;
});

/** One that nothing answers on. */
const silentLink = (): FilesLink => {
  const { promise, resolve } = Promise.withResolvers<SshMcpError>();
  let isEnded = false;
  return {
    onData: () => undefined,
    send: () => undefined,
    ended: promise,
    heardAt: 0,
    get isEnded() {
      return isEnded;
    },
    end: () => {
      isEnded = true;
      resolve(new SshMcpError("CANCELED", "ended"));
    },
  };
};
const keep = (first = silentLink(), lstat = () => new Promise<never>(() => {})): KeptFiles =>
  new KeptFiles({
    ...{ first, connection, owner: { become: null, caller: cli }, now: () => performance.now() },
    files: { lstat } as unknown as RemoteFiles,
    onEnd: () => {
      ends += 1;
    },
  });
/** Until whoever opened it has had its turn. */
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

test("what nobody waits for any more keeps others away at once, and ends it when the server is silent", async () => {
  const kept = keep();
  await turn();
  const mine = kept.begin();
  mine.abandon();
  expect([kept.isOpen, kept.isForNew]).toEqual([true, false]);
  await waitFor(() => !kept.isOpen, { what: "its end" });
  expect(ends).toBe(1);
  mine.end();
  expect(ends).toBe(1);
});

test("a server that answers after all is used again", async () => {
  const asked = Promise.withResolvers<never>();
  const kept = keep(silentLink(), () => asked.promise);
  await turn();
  const lease = kept.begin();
  lease.abandon();
  lease.end();
  lease.end();
  expect(kept.isForNew).toBe(false);
  asked.reject(new SshMcpError("REMOTE_PERMISSION", "no"));
  await waitFor(() => kept.isForNew, { what: "its trust" });
  kept.end();
  expect(ends).toBe(1);
});

test("it is retired at once when it is idle, else with the last request", async () => {
  const idle = keep();
  await turn();
  idle.retire();
  expect(idle.isOpen).toBe(false);
  const busy = keep();
  const lease = busy.begin();
  busy.retire();
  await turn();
  expect([busy.isOpen, busy.isForNew]).toEqual([true, false]);
  lease.end();
  expect(busy.isOpen).toBe(false);
});

test("its channels count as nobody's while it is idle, and end with it", async () => {
  const further = silentLink();
  const kept = keep();
  kept.add(further);
  await turn();
  // Two that the pool never opened.
  expect(connection.commands).toBe(-2);
  const lease = kept.begin();
  expect(connection.commands).toBe(0);
  lease.end();
  expect(connection.commands).toBe(-2);
  await waitFor(() => further.isEnded, { what: "the end of the further one" });
  expect([connection.commands, kept.isOpen]).toEqual([-1, true]);
  kept.end();
  expect(connection.commands).toBe(0);
});
