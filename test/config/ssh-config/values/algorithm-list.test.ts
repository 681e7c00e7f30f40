import { expect, test } from "bun:test";
import {
  assembleAlgorithms,
  opensshAlgorithms,
  opensshDefaults,
} from "../../../../src/config/ssh-config/values/algorithm-list.ts";
import { mustRun, runCommand } from "../../../support/command.ts";

/** The same numbers in every run. */
const random = (seed: number) => () => {
  seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
  return seed / 2 ** 31;
};

interface Listed {
  option: string;
  kind: keyof typeof opensshAlgorithms;
  defaults: readonly string[];
  /** Whether ssh takes wildcards in what is added, too. */
  wildcards: boolean;
}

const keywords: readonly Listed[] = [
  { option: "KexAlgorithms", kind: "kex", defaults: opensshDefaults.kex, wildcards: false },
  { option: "Ciphers", kind: "cipher", defaults: opensshDefaults.cipher, wildcards: false },
  { option: "MACs", kind: "mac", defaults: opensshDefaults.mac, wildcards: false },
  { option: "HostKeyAlgorithms", kind: "hostKey", defaults: opensshDefaults.hostKey, wildcards: true },
  { option: "PubkeyAcceptedAlgorithms", kind: "hostKey", defaults: opensshDefaults.hostKey, wildcards: true },
  { option: "CASignatureAlgorithms", kind: "caSignature", defaults: opensshDefaults.caSignature, wildcards: true },
];

const listFor = ({ kind, wildcards }: Listed, next: () => number): string => {
  const names = opensshAlgorithms[kind];
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)] as T;
  const sign = pick(["", "+", "-", "^"]);
  const item = (): string => {
    const name = pick(names);
    if (!wildcards && sign !== "-") return name;
    const at = Math.floor(next() * name.length);
    return pick([
      name,
      name,
      `${name.slice(0, at)}*`,
      `*${name.slice(at)}`,
      `${name.slice(0, at)}?${name.slice(at + 1)}`,
    ]);
  };
  return sign + Array.from({ length: 1 + Math.floor(next() * 4) }, item).join(",");
};

/** @returns null when ssh refuses */
const askSsh = async (lists: ReadonlyMap<string, string>): Promise<Map<string, string> | null> => {
  const options = [...lists].flatMap(([option, list]) => ["-o", `${option}=${list}`]);
  const outcome = await runCommand(["ssh", "-G", "-F", "none", ...options, "host"]);
  if (outcome.status !== 0) return null;
  const answers = outcome.stdout.split("\n").map((line): [string, string] => {
    const [keyword = "", value = ""] = line.split(" ");
    return [keyword, value];
  });
  return new Map(answers);
};

test("lists mean what ssh -G makes of them", async () => {
  const next = random(4);
  let compared = 0;
  for (let round = 0; round < 120; round++) {
    const lists = new Map(keywords.map((each) => [each.option, listFor(each, next)]));
    const ours = new Map(
      keywords.map(({ option, kind, defaults }) => [
        option,
        assembleAlgorithms(lists.get(option) ?? null, defaults, opensshAlgorithms[kind]).join(","),
      ]),
    );
    const theirs = await askSsh(lists);
    const shown = JSON.stringify([...lists]);
    if (theirs === null) {
      // One of them is left with nothing.
      expect([shown, [...ours.values()].includes("")]).toEqual([shown, true]);
      continue;
    }
    for (const [option, names] of ours) {
      expect([shown, option, names]).toEqual([shown, option, theirs.get(option.toLowerCase()) ?? ""]);
      compared++;
    }
  }
  expect(compared).toBeGreaterThan(500);
}, 30_000);

test("nothing said is the default, which is OpenSSH's", async () => {
  const theirs = await askSsh(new Map());
  for (const { option, kind, defaults } of keywords) {
    expect(assembleAlgorithms(null, defaults, opensshAlgorithms[kind]).join(",")).toBe(
      theirs?.get(option.toLowerCase()) ?? "",
    );
  }
});

test.each([
  ["kex", "kex"],
  ["cipher", "cipher"],
  ["mac", "mac"],
  ["HostKeyAlgorithms", "hostKey"],
  ["sig", "caSignature"],
] as const)("the names of %s are those of ssh -Q", async (query, kind) => {
  expect(opensshAlgorithms[kind]).toEqual((await mustRun(["ssh", "-Q", query])).trim().split("\n"));
});

test.each(["!aes128-ctr", "+aes256-ctr,!aes128-ctr", "^!aes128-ctr"])("%s: a negation adds nothing", (list) => {
  expect(assembleAlgorithms(list, opensshDefaults.cipher, opensshAlgorithms.cipher)).toEqual([]);
});
