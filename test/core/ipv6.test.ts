import { describe, expect, test } from "bun:test";
import { isIPv6 } from "node:net";
import fc from "fast-check";
import { isIpv6 } from "../../src/core/ipv6.ts";

const addresses = [
  "::",
  "::1",
  "1::",
  "2001:db8::1",
  "1:2:3:4:5:6:7:8",
  "1:2:3:4:5:6:7::",
  "::2:3:4:5:6:7:8",
  "::ffff:192.0.2.1",
];
const others = [
  "",
  ":",
  ":::",
  "1::2::3",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1::2:3:4:5:6:7:8",
  "12345::",
  "g::",
  "::1.2.3",
  "1.2.3.4::",
];
const more = [
  "::01.2.3.4",
  "::256.1.1.1",
  ":1::",
  "1:",
  "::1 ",
  "::1\n",
  "[::1]",
  "1.2.3.4",
  "::1.2.3.4:5",
  "AbCd::EF",
];

describe("IPv6 literals", () => {
  test.each([...addresses, ...others, ...more])("%j is judged as node:net does", (text) => {
    expect(isIpv6(text)).toBe(isIPv6(text));
  });

  test.each(addresses)("%s is one, with a zone too", (text) => {
    expect(isIpv6(text)).toBe(true);
    expect(isIpv6(`${text}%eth0`)).toBe(true);
  });

  test.each([
    "fe80::1%",
    "fe80::1%eth 0",
    "fe80::1%a%b",
    "fe80::1%eth0:22",
    "fe80::1%$(id)",
    "fe80::1%eth0\n",
    "%eth0",
  ])("%j has no valid zone", (text) => {
    expect(isIpv6(text)).toBe(false);
  });

  test("any text of such characters is judged as node:net does", () => {
    const group = fc.constantFrom("0", "1", "ffff", "12345", "", "10.0.0.1", "1.2.3", "g");
    const text = fc.oneof(
      fc.array(group, { maxLength: 9 }).map((groups) => groups.join(":")),
      fc.string({ unit: fc.constantFrom(..."0123456789abcdefABCDEF:::...") }),
      fc.ipV6(),
    );
    fc.assert(
      fc.property(text, (input) => {
        expect([input, isIpv6(input)]).toEqual([input, isIPv6(input)]);
      }),
      { numRuns: 2000 },
    );
  });
});
