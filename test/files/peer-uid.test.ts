import { afterAll, expect, test } from "bun:test";
import { chmodSync, closeSync, openSync } from "node:fs";
import { join } from "node:path";
import { listenOnSocket } from "../../src/broker/wire/socket-transport.ts";
import { peerUid } from "../../src/files/peer-uid.ts";
import { cleanup, onCleanup } from "../support/cleanup.ts";
import { mustRun } from "../support/command.ts";
import { tempDir } from "../support/temp.ts";

afterAll(cleanup);

test("is the user of the process that connected, and nobody for what is no socket", async () => {
  const folder = tempDir("peer");
  const path = join(folder, "socket");
  const uids: (number | null)[] = [];
  const listening = listenOnSocket(path, (transport, file) => {
    uids.push(file === null ? null : peerUid(file));
    transport.close();
  });
  onCleanup(() => listening.stop());
  for (const open of [folder, path]) chmodSync(open, 0o777);
  const talk = "use Socket; socket(S, AF_UNIX, SOCK_STREAM, 0); connect(S, pack_sockaddr_un($ARGV[0])) or die; <S>";
  await mustRun(["perl", "-e", talk, path]);
  for (const uid of [65534, 12_345])
    await mustRun(["setpriv", `--reuid=${uid}`, "--clear-groups", "perl", "-e", talk, path]);
  expect(uids).toEqual([process.getuid?.() ?? null, 65534, 12_345]);

  const file = openSync("/dev/null", "r");
  expect(peerUid(file)).toBeNull();
  closeSync(file);
});
