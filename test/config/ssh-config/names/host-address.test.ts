import { afterAll, expect, test } from "bun:test";
import { canonicalHost } from "../../../../src/config/ssh-config/names/host-address.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { askSsh } from "../oracle/ssh-oracle.ts";

afterAll(cleanup);

test.each([
  ["web1", "web1"],
  ["Web1.EXAMPLE.com", "web1.example.com"],
  ["FOO.", "foo."],
  ["127.1", "127.0.0.1"],
  ["1", "0.0.0.1"],
  ["0x7f.1", "127.0.0.1"],
  ["010.1.1.1", "8.1.1.1"],
  ["1.2.3.08", "1.2.3.08"],
  ["1.2.3.256", "1.2.3.256"],
  ["1.2.65535", "1.2.255.255"],
  ["1.2.65536", "1.2.65536"],
  ["4294967295", "255.255.255.255"],
  ["4294967296", "4294967296"],
  ["1.2.3.4.5", "1.2.3.4.5"],
  ["0x", "0x"],
  ["::1", "::1"],
  ["0:0::1", "::1"],
  ["0:0:0:0:0:0:0:0", "::"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  // Case alone is not touched in an address.
  ["2001:DB8::1", "2001:DB8::1"],
  ["2001:DB8:0::1", "2001:db8::1"],
  ["::ffff:102:304", "::ffff:1.2.3.4"],
  ["::102:304", "::1.2.3.4"],
  // What looks like an address is left alone.
  ["A:b", "A:b"],
  ["fe80::1%lo", "fe80::1%lo"],
  ["B%c", "B%c"],
])("%s is dialled as %s, as in ssh -G", async (host, expected) => {
  expect(canonicalHost(host)).toBe(expected);
  const theirs = await askSsh({ file: "none", host });
  expect("lines" in theirs ? theirs.lines : []).toContain(`hostname ${expected}`);
});
