/** What a job begins with: the variables it is given, and what the user's own files do before. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Place, placeAt, startPlace } from "../../../acceptance/place.ts";
import { cleanup } from "../../../support/cleanup.ts";
import { makeUser, type TemporaryUser } from "../../../support/users.ts";

afterAll(cleanup);

let user: TemporaryUser;
let place: Place;

beforeAll(async () => {
  user = await makeUser({ shell: "/bin/bash" });
  const { home, sshd } = await startPlace();
  place = placeAt(home, sshd, `${user.name}@127.0.0.1:${sshd.port}`);
});

const run = async (command: string, ...flags: string[]) => {
  const started = await place.document(["job", "start", place.at, "--json", ...flags, "--", command]);
  const { id } = started["job"] as { id: string };
  const { status } = await place.run(["job", "wait", place.at, id]);
  const [stdout, stderr] = await Promise.all(
    [[], ["--stderr"]].map(async (more) => (await place.run(["job", "logs", place.at, id, ...more])).stdout),
  );
  return { status, stdout, stderr };
};

describe("variables of a job", () => {
  test("of any name of our own program change nothing but themselves", async () => {
    const names = [
      ..."d c r x e b id now starter how values reads start group boot node mine began line parent has_proc".split(" "),
      ..."P G S B N SHELL HOME ENV CDPATH PS4 SSH_MCP_JOB_RUN SSH_MCP_JOB_ENV SSH_MCP_JOB_READS".split(" "),
    ];
    const flags = names.flatMap((name) => ["--env", `${name}=/odd/$${name}`]);
    // Which no shell takes from its environment.
    flags.push("--env", "IFS=/b");
    for (const interpreter of [[], ["--interpreter", "sh"], ["--interpreter", "bash"]]) {
      const { status, stdout, stderr } = await run(`/usr/bin/env; exit 3`, ...flags, ...interpreter);
      expect({ status, stderr }).toEqual({ status: 3, stderr: "" });
      for (const name of names) expect(`\n${stdout}`).toContain(`\n${name}=/odd/$${name}\n`);
    }
  });

  test("as a PATH do not choose the interpreter", async () => {
    const said = await run("echo $PATH $BASH_VERSION", "--env", "PATH=/nonexistent", "--interpreter", "bash");
    expect(said).toMatchObject({ status: 0, stderr: "", stdout: expect.stringMatching(/^\/nonexistent 5/) });
  });

  test("that the server's sh cannot set are refused, and nothing is started", async () => {
    const { status, stderr } = await place.run(["job", "start", place.at, "--env", "OPTIND=abc", "--", "true"]);
    expect({ status, stderr }).toEqual({ status: 1, stderr: expect.stringMatching(/OPTIND.*not started/) });
    expect((await place.run(["job", "ls", place.at])).stdout).not.toContain("OPTIND");
  });
});

describe("a login's files", () => {
  const withFile = async (text: string, work: () => Promise<void>): Promise<void> => {
    const file = join(user.home, ".bashrc");
    writeFileSync(file, text);
    try {
      await work();
    } finally {
      rmSync(file);
    }
  };

  test("that set CDPATH choose no other directory", async () => {
    mkdirSync(join(user.home, "lib"));
    await withFile("export CDPATH=/usr\n", async () => {
      expect(await run("pwd; echo $CDPATH", "--cwd", "lib")).toMatchObject({ stdout: `${user.home}/lib\n/usr\n` });
    });
  });

  test("that join the streams or talk hide no start", async () => {
    const files = ["exec 2>&1\n", "echo folder is full >&2\nprintf 'cwd is odd'\n"];
    for (const text of files)
      await withFile(text, async () => {
        const started = await place.document(["job", "start", place.at, "--json", "--", "exit 5"]);
        const { id } = started["job"] as { id: string };
        expect((await place.run(["job", "wait", place.at, id])).status).toBe(5);
        const refused = await place.run(["job", "start", place.at, "--cwd", "/no/such", "--", "true"]);
        expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining("[NOT_FOUND]") });
      });
  });
});
