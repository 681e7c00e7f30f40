/** Many clients on a broker that has just died: they start one, and each gets its own answer. */
import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { brokersOf } from "../../support/brokers.ts";
import { cleanup } from "../../support/cleanup.ts";
import { crash, documentOf, type Place, startPlace } from "../place.ts";

afterAll(cleanup);
setDefaultTimeout(80_000);

const rounds = 25;

/** One of the ways to ask, each with an answer of its own. */
const ask = async (place: Place, round: number, client: number): Promise<unknown> => {
  const word = `${round}-${client}`;
  if (client % 10 === 3) {
    const outcome = await place.run(["ls", "--json"]);
    return { ...outcome, stdout: Object.keys(documentOf(outcome)).join() };
  }
  if (client % 10 === 7) {
    const outcome = await place.run(["exec", "--json", "--timeout", "60", place.at, `echo ${word}`]);
    const { stdout, exitCode } = documentOf(outcome);
    return { ...outcome, stdout: `${stdout}${exitCode}` };
  }
  return place.run(["exec", place.at, `echo ${word}; echo ${word} >&2; exit ${client}`]);
};

const right = (round: number, client: number): unknown => {
  const word = `${round}-${client}`;
  if (client % 10 === 3) return { status: 0, stdout: "sessions,calls,pending", stderr: "" };
  if (client % 10 === 7) return { status: 0, stdout: `${word}\n0`, stderr: "" };
  return { status: client, stdout: `${word}\n`, stderr: `${word}\n` };
};

test("twenty or fifty clients at once, 25 times, with the broker killed between", async () => {
  const place = await startPlace();
  const brokers: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const clients = Array.from({ length: round % 2 === 0 ? 50 : 20 }, (_, index) => index);
    const answers = await Promise.all(clients.map((client) => ask(place, round, client)));
    const wrong = answers.filter((answer, client) => !Bun.deepEquals(answer, right(round, client)));
    expect(wrong).toEqual([]);
    brokers.push(await crash(place.home.path));
    expect(brokersOf(place.home.path)).toEqual([]);
  }
  expect(new Set(brokers).size).toBe(rounds);
});
