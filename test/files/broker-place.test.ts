import { afterAll, describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { brokerPlace, checkBrokerPlace, makeBrokerPlace } from "../../src/files/broker-place.ts";
import { machineId } from "../../src/files/machine.ts";
import { thrownBy } from "../config/ssh-config/thrown.ts";
import { cleanup, onCleanup } from "../support/cleanup.ts";
import { tempDir } from "../support/temp.ts";

afterAll(cleanup);

const digest = (text: string): string => createHash("sha256").update(text).digest("hex");
const machine = digest(machineId()).slice(0, 8);
/** A base whose socket path has exactly so many bytes. */
const baseFor = (folder: string, bytes: number, filler = "a"): string => {
  const rest = bytes - Buffer.byteLength(`${folder}//run/${machine}/broker.sock`);
  return `${folder}/${filler.repeat(Math.floor(rest / Buffer.byteLength(filler)))}`;
};

describe("brokerPlace", () => {
  test("one folder for each machine that shares the home", () => {
    expect(brokerPlace({ HOME: "/home/ann" })).toEqual({
      base: "/home/ann/.ssh-mcp",
      run: `/home/ann/.ssh-mcp/run/${machine}`,
      socket: `/home/ann/.ssh-mcp/run/${machine}/broker.sock`,
      brokerLock: `/home/ann/.ssh-mcp/run/${machine}/broker.lock`,
      spawnLock: `/home/ann/.ssh-mcp/run/${machine}/spawn.lock`,
      log: `/home/ann/.ssh-mcp/run/${machine}/broker.log`,
    });
  });

  test("a socket path of 103 bytes stays, one of 104 goes to /tmp", () => {
    const fits = brokerPlace({ SSH_MCP_DIR: baseFor("/nowhere", 103) });
    expect(Buffer.byteLength(fits.socket)).toBe(103);
    expect(fits.socket).toBe(`${fits.run}/broker.sock`);
    const long = brokerPlace({ SSH_MCP_DIR: baseFor("/nowhere", 104) });
    expect(long.socket).toBe(`/tmp/ssh-mcp-${process.getuid?.()}/${digest(long.run).slice(0, 16)}.sock`);
    expect(long.brokerLock).toBe(`${long.run}/broker.lock`);
  });

  test("bytes count, not characters", () => {
    const { socket, run } = brokerPlace({ SSH_MCP_DIR: baseFor("/nowhere", 110, "é") });
    expect(`${run}/broker.sock`.length).toBeLessThan(103);
    expect(socket).toStartWith("/tmp/");
  });

  test("the socket in /tmp is the same by every name of the directory, before and after it is made", () => {
    const folder = tempDir("place");
    const base = baseFor(folder, 140);
    symlinkSync(folder, join(folder, "link"));
    const names = [base, base.replace(folder, join(folder, "link")), `${base}/../${base.slice(folder.length + 1)}/`];
    const sockets = () => new Set(names.map((name) => brokerPlace({ SSH_MCP_DIR: name }).socket));
    const [before, ...others] = sockets();
    expect(others).toEqual([]);
    mkdirSync(brokerPlace({ SSH_MCP_DIR: base }).run, { recursive: true });
    expect([...sockets()]).toEqual([before as string]);
    const elsewhere = brokerPlace({ SSH_MCP_DIR: baseFor(tempDir("place"), 140) });
    expect(elsewhere.socket).not.toBe(before as string);
  });
});

describe("the directories on the way to the socket", () => {
  test("are made, and are ours alone", () => {
    const place = brokerPlace({ SSH_MCP_DIR: join(tempDir("place"), "not/there/yet") });
    expect(checkBrokerPlace(place)).toBe("absent");
    makeBrokerPlace(place);
    expect(checkBrokerPlace(place)).toBe("fine");
    expect(statSync(place.run).mode & 0o7777).toBe(0o700);
  });

  test.each(["", "/run", `/run/${machine}`])("a link or an open directory at BASE%s is refused", (which) => {
    const place = brokerPlace({ SSH_MCP_DIR: join(tempDir("place"), "base") });
    makeBrokerPlace(place);
    chmodSync(place.base + which, 0o750);
    expect(thrownBy(() => checkBrokerPlace(place)).code).toBe("BROKER_UNAVAILABLE");
    makeBrokerPlace(place);
    expect(checkBrokerPlace(place)).toBe("fine");

    rmSync(place.base + which, { recursive: true });
    const elsewhere = brokerPlace({ SSH_MCP_DIR: join(tempDir("place"), "other") });
    makeBrokerPlace(elsewhere);
    symlinkSync(elsewhere.base + which, place.base + which);
    for (const act of [checkBrokerPlace, makeBrokerPlace]) {
      expect(thrownBy(() => act(place)).message).toContain(`${place.base}${which} is a symbolic link`);
    }
  });

  test("the folder of short sockets is one of them", () => {
    const place = brokerPlace({ SSH_MCP_DIR: baseFor(tempDir("place"), 140) });
    const folder = `/tmp/ssh-mcp-${process.getuid?.()}`;
    const wasThere = existsSync(folder);
    if (!wasThere) onCleanup(() => rmSync(folder, { recursive: true, force: true }));
    makeBrokerPlace(place);
    expect(checkBrokerPlace(place)).toBe("fine");
    expect(statSync(folder).mode & 0o7777).toBe(0o700);
  });
});
