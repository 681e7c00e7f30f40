/** Generated configurations mean to us what they mean to ssh: every line of `ssh -G`, or the same line refused. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { cleanup } from "../../../support/cleanup.ts";
import { tempDir } from "../../../support/temp.ts";
import { compare } from "./compare.ts";
import { values } from "./config-lines.ts";
import { commandLine, fileText, hosts } from "./generated-config.ts";

afterAll(cleanup);

const folder = tempDir("ssh-config");
for (const name of ["d", "d/deep"]) mkdirSync(join(folder, name));
const at = (name: string): string => join(folder, name);

const host = fc.constantFrom(...hosts);

describe("equal to ssh -G", () => {
  test("generated files that include each other", async () => {
    const main = fileText(
      [at("d/1.conf"), at("d/*.conf"), at("d/?.c[!x]nf"), at("missing"), at("d"), `"${at("d/2.conf")}"`],
      "none",
    );
    const one = fileText([at("d/2.conf"), at("d/[2-9]*"), at("d/deep/*")], "none");
    const two = fileText([at("d/deep/3.conf")], "none");
    const three = fileText([], "none");
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(main, one, two, three, host, commandLine, async (a, b, c, d, name, more) => {
        for (const [path, text] of Object.entries({ main: a, "d/1.conf": b, "d/2.conf": c, "d/deep/3.conf": d })) {
          writeFileSync(at(path), text);
        }
        if (await compare({ file: at("main"), host: name, ...more })) accepted++;
      }),
      { numRuns: 500 },
    );
    // A generator whose files ssh mostly refuses would compare nothing.
    expect(accepted).toBeGreaterThan(450);
  }, 60_000);

  test("generated files with malformed lines", async () => {
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(fileText([at("d/1.conf")], "some"), fileText([], "some"), host, async (a, b, name) => {
        writeFileSync(at("main"), a);
        writeFileSync(at("d/1.conf"), b);
        if (!(await compare({ file: at("main"), host: name }))) refused++;
      }),
      { numRuns: 250 },
    );
    expect(refused).toBeGreaterThan(80);
  }, 60_000);

  test("one line of arbitrary characters", async () => {
    const noise = fc
      .array(fc.constantFrom(..." \t\"'\\=#ab,!*\r\f".split("")), { maxLength: 10 })
      .map((characters) => characters.join(""));
    const start = fc.constantFrom(
      "User ",
      "User",
      "User=",
      "Host ",
      "Match ",
      "Match host ",
      "SetEnv ",
      "LocalCommand ",
      "",
    );
    await fc.assert(
      fc.asyncProperty(start, noise, async (keyword, rest) => {
        writeFileSync(at("main"), `${keyword}${rest}\nPort 7\n`);
        await compare({ file: at("main"), host: "a" });
      }),
      { numRuns: 250 },
    );
  }, 60_000);

  describe("each keyword alone", () => {
    for (const [keyword, { good, bad }] of Object.entries(values)) {
      const judge = async (text: string, index: number): Promise<boolean> => {
        const file = at(`${keyword}-${index}`);
        writeFileSync(file, text);
        return await compare({ file, host: "web1" });
      };

      test(keyword, async () => {
        const accepted = await Promise.all(good.map((value, index) => judge(`${keyword} ${value}\n`, index)));
        expect(good.filter((_, index) => accepted[index] !== true)).toEqual([]);
        // ssh reads what does not apply as well.
        const refused = await Promise.all(
          bad.map((value, index) => judge(`Host nobody\n ${keyword} ${value}\n`, good.length + index)),
        );
        expect(bad.filter((_, index) => refused[index] === true)).toEqual([]);
      }, 30_000);
    }
  });
});
