import { expect, test } from "bun:test";
import { joinedBanners, LoginBanner } from "../../../src/ssh/transport/login-banner.ts";

const bannerOf = (...texts: readonly string[]): string | null => {
  const banner = new LoginBanner();
  for (const text of texts) banner.add(text);
  return banner.text;
};

test.each([
  { what: "none", texts: [], kept: null },
  { what: "an empty one", texts: [""], kept: null },
  { what: "several", texts: ["one\n", "two\n"], kept: "one\ntwo\n" },
  { what: "64 KiB", texts: ["x".repeat(65_535), "y"], kept: `${"x".repeat(65_535)}y` },
  { what: "more", texts: ["x".repeat(65_000), "y".repeat(1000), "z"], kept: "x".repeat(65_000) + "y".repeat(536) },
  { what: "more, of wide characters", texts: ["x", "é".repeat(40_000)], kept: `x${"é".repeat(32_767)}` },
  { what: "a character that does not fit", texts: ["x".repeat(65_534), "\u{1f600}", "z"], kept: "x".repeat(65_534) },
])("$what", ({ texts, kept }) => {
  expect(bannerOf(...texts)).toBe(kept);
});

test("those on the way come first, each on its own lines", () => {
  expect(joinedBanners("hop", null, "host\n")).toBe("hop\nhost\n");
  expect(joinedBanners(null)).toBeNull();
});
