import { afterAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import { makePlace } from "../../src/demo/place.ts";
import { cleanUp } from "../../src/demo/run.ts";
import { cleanup, onCleanup } from "../support/cleanup.ts";

afterAll(cleanup);
setDefaultTimeout(30_000);

test("each part of the clean-up is tried, whatever became of the one before", async () => {
  const place = await makePlace();
  onCleanup(() => place.remove());
  const failure = new Error("no processes can be found");
  let isStopping = false;
  const endless = (): Promise<never> => {
    isStopping = true;
    return new Promise(() => undefined);
  };
  const cleaning = cleanUp({ ...place, processes: () => Promise.reject(failure) }, { stop: endless });
  await expect(cleaning).rejects.toBe(failure);
  expect(isStopping).toBe(true);
  expect(existsSync(place.home)).toBe(false);
});
