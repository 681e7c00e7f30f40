import { expect, test } from "bun:test";
import type { Run } from "../../../src/cli/many/several.ts";
import type { Printer } from "../../../src/cli/printer.ts";
import { TransferView } from "../../../src/cli/progress/transfer-view.ts";
import type { World } from "../../../src/cli/world.ts";
import type { Report } from "../../../src/operations/transfer-fields.ts";
import { report } from "../../operations/fake-transfers.ts";

const said = async (result: Report): Promise<string> => {
  let text = "";
  const printer = {
    data: async () => {},
    explain: async (words: string) => {
      text += words;
    },
  } as unknown as Printer;
  const world = { env: {}, isTerminal: async () => false } as unknown as World;
  const run = { command: "cp", input: {}, options: { json: false, quiet: true } } as unknown as Run;
  await (await TransferView.open(run, printer, world)).conclude(result);
  return text;
};

test("without a terminal, and with --quiet, it is said that a check could not be made, or failed", async () => {
  expect(await said(report)).toBe("");
  expect(await said({ ...report, verification: "verified" })).toBe("");
  expect(await said({ ...report, verification: "unavailable" })).toBe(
    "ssh-mcp: the copy is not verified: a side has nothing to compute SHA-256 with\n",
  );
  expect(await said({ ...report, verification: "mismatched" })).toBe("ssh-mcp: the copy differs from its source\n");
});
