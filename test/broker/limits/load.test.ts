import { describe, expect, test } from "bun:test";
import {
  type Burden,
  Load,
  totalCallLimit,
  totalCaptureLimit,
  totalUnreadLimit,
  unreadLimit,
} from "../../../src/broker/process/load.ts";
import { captureLimit } from "../../../src/broker/wire/protocol.ts";
import { request } from "../process/raw-peer.ts";

const mebibyte = 1024 * 1024;

class Client implements Burden {
  unread: number;
  dropped = 0;

  constructor(load: Load, unread: number) {
    this.unread = unread;
    load.add(this);
  }

  drop(): void {
    this.dropped++;
    this.unread = 0;
  }
}

const errorOf = (act: () => unknown): unknown => {
  try {
    act();
    return null;
  } catch (thrown) {
    return thrown;
  }
};

describe("calls", () => {
  test("are counted until each has ended", () => {
    const load = new Load();
    const ends = Array.from({ length: totalCallLimit }, () => load.begin(request("exec")));
    expect(load.calls).toBe(totalCallLimit);
    expect(errorOf(() => load.begin(request("exec")))).toMatchObject({
      code: "BROKER_UNAVAILABLE",
      message: "512 calls are running already",
      hint: "ssh-mcp ls --running",
      retryable: true,
    });
    ends[0]?.();
    load.begin(request("exec"));
    expect(load.calls).toBe(totalCallLimit);
  });

  test("may not keep more output together than the broker can hold", () => {
    const load = new Load();
    const largest = request("exec", { capture: captureLimit });
    const ends = Array.from({ length: totalCaptureLimit / (2 * captureLimit) }, () => load.begin(largest));
    expect(errorOf(() => load.begin(request("exec", { capture: 1 })))).toMatchObject({ code: "BROKER_UNAVAILABLE" });
    // One that keeps nothing takes nothing.
    load.begin(request("exec"));
    ends[0]?.();
    load.begin(largest);
  });
});

describe("what clients leave unread", () => {
  test("is theirs up to a limit for each, to the byte", () => {
    const load = new Load();
    const client = new Client(load, unreadLimit);
    load.weigh(client);
    expect(client.dropped).toBe(0);
    client.unread += 1;
    load.weigh(client);
    expect(client.dropped).toBe(1);
  });

  test("beyond the limit for all costs those who have most, and no more of them than it takes", () => {
    const load = new Load();
    const many = Array.from({ length: 20 }, (_, n) => new Client(load, (n + 1) * mebibyte));
    const heavy = new Client(load, 60 * mebibyte);
    const heavier = new Client(load, 70 * mebibyte);
    const total = 210 * mebibyte + 130 * mebibyte;
    expect(total).toBeGreaterThan(totalUnreadLimit);
    for (const client of many) load.weigh(client);
    expect(heavier.dropped).toBe(1);
    // 340 - 70 is still 14 MiB too much.
    expect(heavy.dropped).toBe(1);
    expect(many.map(({ dropped }) => dropped)).toEqual(many.map(() => 0));
  });

  test("of a client that has gone is not counted", () => {
    const load = new Load();
    const gone = Array.from({ length: 10 }, () => new Client(load, 100 * mebibyte));
    for (const client of gone) load.remove(client);
    const client = new Client(load, 100 * mebibyte);
    load.weigh(client);
    expect(client.dropped).toBe(0);
  });
});
