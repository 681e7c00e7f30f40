import { expect, test } from "bun:test";
import { join } from "node:path";

const program = `import { wasClosed } from ${JSON.stringify(join(import.meta.dir, "../../src/files/closed-descriptor.ts"))};
console.error([0, 1].map(wasClosed).join(" "));`;

test.each([
  ["<&- >&-", "true true"],
  ["</dev/null >/dev/null", "false false"],
  ["<>/dev/null 1<>/dev/null", "false false"],
  ["</dev/null >&-", "false true"],
])("a program started with %s knows which are closed", async (words, said) => {
  const started = Bun.spawn(["sh", "-c", `exec "$1" -e "$2" ${words}`, "sh", process.execPath, program], {
    stderr: "pipe",
  });
  expect((await new Response(started.stderr).text()).trim()).toBe(said);
});
