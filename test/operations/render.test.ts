/**
 * A client may show a model the text alone, so every field of an output must be in it in some form. Shown here by changing one
 * field at a time: the text must change with it.
 */
import { describe, expect, test } from "bun:test";
import type * as v from "valibot";
import { OutputCapture } from "../../src/core/output.ts";
import { chmod } from "../../src/operations/chmod.ts";
import { close } from "../../src/operations/close.ts";
import { connect } from "../../src/operations/connect.ts";
import { editFile } from "../../src/operations/edit-file.ts";
import { exec } from "../../src/operations/exec.ts";
import { hostsAdd } from "../../src/operations/hosts-add.ts";
import { hostsEnable } from "../../src/operations/hosts-enable.ts";
import { hostsList } from "../../src/operations/hosts-list.ts";
import { hostsRm } from "../../src/operations/hosts-rm.ts";
import { hostsSet } from "../../src/operations/hosts-set.ts";
import { hostsShow } from "../../src/operations/hosts-show.ts";
import { operations } from "../../src/operations/index.ts";
import { init } from "../../src/operations/init.ts";
import { jobCancel } from "../../src/operations/job-cancel.ts";
import { jobLogs } from "../../src/operations/job-logs.ts";
import { jobLs } from "../../src/operations/job-ls.ts";
import { jobRm } from "../../src/operations/job-rm.ts";
import { jobStart } from "../../src/operations/job-start.ts";
import { jobStatus } from "../../src/operations/job-status.ts";
import { jobWait } from "../../src/operations/job-wait.ts";
import { kill } from "../../src/operations/kill.ts";
import { lend } from "../../src/operations/lend.ts";
import { listDirectory } from "../../src/operations/list-directory.ts";
import { ln } from "../../src/operations/ln.ts";
import { mkdir } from "../../src/operations/mkdir.ts";
import { mv } from "../../src/operations/mv.ts";
import { readOutput } from "../../src/operations/output.ts";
import { path } from "../../src/operations/path.ts";
import { readFile } from "../../src/operations/read-file.ts";
import { rm } from "../../src/operations/rm.ts";
import { secretRm } from "../../src/operations/secret-rm.ts";
import { secretSet } from "../../src/operations/secret-set.ts";
import { sessions } from "../../src/operations/sessions.ts";
import { stat } from "../../src/operations/stat.ts";
import { sudo } from "../../src/operations/sudo.ts";
import { sync } from "../../src/operations/sync.ts";
import { transfer } from "../../src/operations/transfer.ts";
import { trust } from "../../src/operations/trust.ts";
import { unlend } from "../../src/operations/unlend.ts";
import { writeFile } from "../../src/operations/write-file.ts";
import { edited, text, written } from "./fake-contents.ts";
import { description, entry } from "./fake-hosts.ts";
import { job } from "./fake-jobs.ts";
import { page } from "./fake-outputs.ts";
import { finished, info, trustedHost } from "./fake-sessions.ts";
import { report, reportChanges } from "./fake-transfers.ts";

interface Changes {
  render(): string[];
  /** Fields that were changed. */
  fields: readonly string[];
}

/** The texts of an output and of the same with each of the changes by itself. */
const changed = <T extends object>(
  render: (output: T) => string,
  base: T,
  changes: { [K in keyof T]?: NoInfer<T>[K][] },
): Changes => ({
  render: () => [
    render(base),
    ...Object.entries(changes).flatMap(([field, values]) =>
      (values as unknown[]).map((value) => render({ ...base, [field]: value })),
    ),
  ],
  fields: Object.keys(changes),
});

type Output<O extends { output: v.GenericSchema }> = v.InferOutput<O["output"]>;

type Refusal = NonNullable<NonNullable<Output<typeof exec>["hosts"]>[number]["error"]>;

const exited: Output<typeof exec> = {
  target: "web",
  stdout: "out\n",
  stderr: "err\n",
  truncated: false,
  binary: [],
  outputId: null,
  jobId: null,
  hosts: null,
  ...finished,
};
const lasting: Output<typeof connect> = {
  ...{ name: "web", destination: "deploy@web", host: "192.0.2.1", port: 2222, user: "deploy", state: "live" },
  ...{ reused: false, authMethod: "publickey", hostKey: "SHA256:key", banner: null, title: null },
  ...{ createdAt: "2026-01-01T00:00:00.000Z", expiresAt: null },
};
const row: Output<typeof sessions>["sessions"][number] = { ...info, lastOutputId: null };
const rowText = (each: typeof row): string => sessions.render({ sessions: [each], calls: null, pending: [] });

const wait: Output<typeof sessions>["pending"][number] = {
  ...{ name: "web", title: null, command: "ssh-mcp connect --name web web" },
  ...{ askedAt: "2026-01-01T00:00:00.000Z", by: "editor 1.0" },
};
const call: NonNullable<Output<typeof sessions>["calls"]>[number] = {
  ...{ id: "1", session: "web", command: "uptime", startedAt: "2026-01-01T00:00:00.000Z" },
  by: { face: "cli", client: "cli" },
};
const callText = (each: typeof call): string => sessions.render({ sessions: [row], calls: [each], pending: [] });

const host: Output<typeof hostsList>["hosts"][number] = { ...entry, groups: ["prod"], sessions: [] };
const hostText = (each: typeof host): string => hostsList.render({ hosts: [each], resolved: null, members: null });
const resolved = { host: "192.0.2.1", port: 22, user: "deploy", options: [] as string[] };
const shownHost: Output<typeof hostsShow> = { ...description, groups: ["prod"], options: [...description.options] };
const [option] = shownHost.options;
const option2 = { name: "port", value: "2", origin: "-o", acted: true };
const change: Output<typeof hostsSet> = { name: "web", file: "/b/ssh_config", entry: "Host web" };
const other = { name: ["db"], file: ["/b/config.toml"], entry: ["", "Host web\n    Port 1"] };
const files: Output<typeof init> = { created: [], kept: [], include: "Include /b", included: false };

test("a connection that is over is not said to stay", () => {
  expect(connect.render(lasting)).toContain(", stays connected");
  const cached = connect.render({ ...lasting, state: "cached" });
  expect(cached).toContain(", disconnected by now: the next use connects");
  expect(cached).not.toContain("stays connected");
});

const otherJob = { ...job, id: "bcdefghjkm", state: "running" as const, exitCode: null };
const later = "2026-01-01T00:15:00.000Z";
const fileFacts = {
  ...{ path: "a", type: "file" as const, size: 5, mode: "0644", uid: 1000, gid: 100, mtime: later },
  linkTarget: null,
};
const listed: Output<typeof listDirectory>["entries"][number] = { ...fileFacts, owner: null, group: null };
const listing: Output<typeof listDirectory> = {
  ...{ target: "web", path: "/home", entries: [listed], total: 1, token: null, unread: [] },
};
const fileStat: Output<typeof stat>["files"][number] = { ...fileFacts, target: null };
const acted: Output<typeof path> = { target: "web", action: "mkdir", path: "a", mode: null, stat: null };
const noFailures: Output<typeof rm>["failures"] = [];
const failedPath = { path: "f", code: "NOT_FOUND" as const, message: "it is not there" };
/** The same with one fact changed at a time. */
const changedFacts = <T extends typeof fileStat | typeof listed>(base: T): T[] => {
  const facts = { path: "b", size: 6, mode: null, uid: 0, gid: null, mtime: null, linkTarget: "c" };
  const own = "owner" in base ? { owner: "ana", group: "staff" } : {};
  const other = base.type === "file" ? ("fifo" as const) : ("file" as const);
  return Object.entries({ ...facts, ...own, type: other }).map(([field, value]) => ({ ...base, [field]: value }));
};
const tables: Readonly<Record<string, Changes[]>> = {
  "read-file": [
    changed(readFile.render, text, {
      ...{ target: ["db"], path: ["b"], content: [null, "b\n"], encoding: [null, "latin1"], bom: [true] },
      ...{ lineEnding: [null, "crlf", "mixed", "none"], cut: [true], startLine: [null, 2], endLine: [null, 3] },
      ...{ offset: [null, 4], nextLine: [5], nextOffset: [6], size: [7], lines: [null, 8], sha256: [null, "34"] },
      ...{ mode: [null, "0600"], mtime: [null, "2026-01-01T00:00:00.000Z"] },
    }),
    changed(readFile.render, { ...text, content: null }, { binary: [true] }),
  ],
  "list-directory": [
    changed(listDirectory.render, listing, {
      ...{ target: ["db"], path: ["/srv"], total: [2], token: ["next"], unread: [[{ path: "x", message: "denied" }]] },
      entries: [[], ...changedFacts(listed).map((entry) => [entry])],
    }),
  ],
  path: [
    changed(path.render, acted, { target: ["db"], action: ["chmod"], path: ["b"], mode: ["0600"], stat: [fileStat] }),
  ],
  stat: [
    changed(
      stat.render,
      { target: "web", files: [fileStat], failures: noFailures },
      {
        ...{ target: ["db"], failures: [[failedPath]] },
        files: [[], ...changedFacts(fileStat).map((entry) => [entry])],
      },
    ),
  ],
  mkdir: [
    changed(
      mkdir.render,
      { target: "web", made: ["a"], failures: noFailures },
      {
        ...{ target: ["db"], made: [["b"]], failures: [[failedPath]] },
      },
    ),
  ],
  mv: [
    changed(
      mv.render,
      { target: "web", moved: [{ from: "a", to: "b" }], failures: noFailures },
      {
        ...{ target: ["db"], moved: [[{ from: "c", to: "b" }], [{ from: "a", to: "c" }]], failures: [[failedPath]] },
      },
    ),
  ],
  chmod: [
    changed(
      chmod.render,
      { target: "web", changed: [{ path: "a", mode: "0600" }], failures: noFailures },
      {
        ...{ target: ["db"], failures: [[failedPath]] },
        changed: [[{ path: "b", mode: "0600" }], [{ path: "a", mode: "0644" }]],
      },
    ),
  ],
  ln: [changed(ln.render, { target: "web", path: "a", says: "b" }, { target: ["db"], path: ["c"], says: ["d"] })],
  rm: [
    changed(
      rm.render,
      { target: "web", removed: ["a"], failures: noFailures },
      {
        ...{ target: ["db"], removed: [[], ["b"]], failures: [[failedPath]] },
      },
    ),
  ],
  "write-file": [
    changed(writeFile.render, written, {
      ...{ target: ["db"], path: ["b"], bytes: [3], created: [true], sha256: [null, "34"], mode: [null, "0600"] },
    }),
  ],
  "edit-file": [
    changed(editFile.render, edited, {
      ...{ target: ["db"], path: ["b"], changed: [false], written: [false], created: [true], applied: [2] },
      ...{ offsets: [[3]], diff: ["", "-b\n"], cut: [true], bytes: [3], sha256: ["34"] },
    }),
  ],
  connect: [
    changed(connect.render, lasting, {
      ...{
        name: ["db"],
        destination: ["web"],
        host: ["192.0.2.2"],
        port: [22],
        user: ["root"],
        state: ["cached", "lost"],
      },
      ...{ reused: [true], authMethod: ["password"], hostKey: ["SHA256:other"], banner: ["", "welcome"] },
      ...{ title: ["", "the web"], createdAt: [later], expiresAt: [later] },
    }),
  ],
  exec: [
    changed(exec.render, exited, {
      ...{ target: ["db"], stdout: [null, "other"], stderr: [null, "other"], exitCode: [0, 255], durationMs: [13] },
      ...{ stdoutBytes: [0, 40], stderrBytes: [0, 50], outputId: ["o1"] },
      hosts: [[{ ...exited, error: null }], [{ ...exited, exitCode: 1, error: null }]],
    }),
    changed(
      (error: Refusal) => exec.render({ ...exited, hosts: [{ ...exited, outcome: null, error }] }),
      { code: "CONNECT_REFUSED", message: "refused", hint: "try", retryable: true },
      { code: ["DNS_FAILED"], message: ["other"], hint: [null, "again"] },
    ),
    changed(exec.render, { ...exited, outcome: "timedOut", exitCode: null }, { jobId: [job.id] }),
    changed(exec.render, { ...exited, outcome: "signaled", exitCode: null, signal: "TERM" }, { signal: ["KILL"] }),
    changed(
      exec.render,
      { ...exited, outcome: "timedOut", exitCode: null, stopped: "confirmed" },
      {
        ...{ outcome: ["canceled", "unknown"], stopped: ["dispatched", "unconfirmed"] },
      },
    ),
    changed(
      exec.render,
      { ...exited, outcome: "unknown", exitCode: null, reason: "a reason" },
      {
        reason: ["another reason"],
      },
    ),
  ],
  sessions: [
    changed(rowText, row, {
      ...{
        name: ["db"],
        destination: ["web"],
        host: ["192.0.2.2"],
        port: [22],
        user: ["root"],
        state: ["cached", "lost"],
      },
      ...{ running: [0, 2], ageMs: [3_600_000], idleMs: [60_000], expiresInMs: [null, 1000], lent: [false] },
      ...{ title: [null, "other"], needsPerson: [true], lastOutputId: ["o2"] },
      openedBy: [
        { face: "cli", client: "editor 1.0" },
        { face: "mcp", client: "editor 2.0" },
      ],
    }),
    changed<Output<typeof sessions>>(
      sessions.render,
      { sessions: [], calls: null, pending: [] },
      {
        ...{ sessions: [[row], [row, { ...row, name: "db" }]], calls: [[], [call], [call, { ...call, id: "2" }]] },
        pending: [[wait], [wait, { ...wait, name: "db" }]],
      },
    ),
    changed((each) => sessions.render({ sessions: [], calls: null, pending: [each] }), wait, {
      ...{ name: ["db"], title: ["other"], command: ["ssh-mcp connect db"], by: ["editor 2.0"], askedAt: [later] },
    }),
    changed(callText, call, {
      ...{ id: ["2"], session: ["db"], command: ["id"], startedAt: ["2026-01-01T00:15:00.000Z"] },
      by: [
        { face: "mcp", client: "cli" },
        { face: "mcp", client: "editor 1.0" },
      ],
    }),
  ],
  sudo: [
    changed(
      sudo.render,
      { session: "web", user: "root", held: true, forgotten: false },
      { session: ["db"], user: ["deploy"], held: [false], forgotten: [true] },
    ),
  ],
  "secret-set": [changed(secretSet.render, { account: "a@web:22" }, { account: ["b@web:22"] })],
  output: [
    changed(readOutput.render, page, {
      ...{ outputId: ["o2"], stream: ["stderr"], encoding: ["base64"], content: ["two\n"], binary: [true] },
      ...{
        offset: [2],
        line: [3],
        nextOffset: [null, 5],
        more: [false],
        bytes: [9],
        lines: [4],
        keptFrom: [1],
        beginMissing: [true],
      },
      ...{ matches: [0, 1], running: [true] },
    }),
  ],
  "secret-rm": [
    changed(secretRm.render, { account: "a@web:22", removed: true }, { account: ["b@web:22"], removed: [false] }),
  ],
  "job-start": [
    changed<Output<typeof jobStart>>(jobStart.render, { target: "web", job }, { target: ["db"], job: [otherJob] }),
  ],
  "job-ls": [
    changed<Output<typeof jobLs>>(
      jobLs.render,
      { target: "web", jobs: [job] },
      { target: ["db"], jobs: [[], [otherJob]] },
    ),
  ],
  "job-status": [
    changed<Output<typeof jobStatus>>(
      jobStatus.render,
      { target: "web", jobs: [job], output: null },
      {
        target: ["db"],
        jobs: [[], [otherJob]],
        output: [[{ stream: "stdout", offset: 0, nextOffset: 1, size: 2, text: "a" }]],
      },
    ),
  ],
  "job-logs": [
    changed<Output<typeof jobLogs>>(
      jobLogs.render,
      { target: "web", id: job.id, stdout: null, stderr: null, truncated: false, binary: null, outputId: null },
      { target: ["db"], id: ["bcdefghjkm"], stdout: ["a"], stderr: ["b"], outputId: ["o1"] },
    ),
  ],
  "job-wait": [
    changed<Output<typeof jobWait>>(
      jobWait.render,
      {
        ...{ target: "web", job, outcome: "exited", exitCode: 3, signal: null, reason: null },
        ...{ durationMs: 1, jobId: null, stopped: null },
      },
      {
        ...{
          target: ["db"],
          job: [otherJob],
          outcome: ["unknown"],
          exitCode: [null, 4],
          signal: ["KILL"],
          reason: ["lost"],
        },
        ...{ durationMs: [2], jobId: [job.id], stopped: ["confirmed"] },
      },
    ),
  ],
  "job-cancel": [
    changed<Output<typeof jobCancel>>(
      jobCancel.render,
      { target: "web", job, stopped: null },
      { target: ["db"], job: [otherJob], stopped: ["confirmed", "unconfirmed"] },
    ),
  ],
  "job-rm": [
    changed<Output<typeof jobRm>>(jobRm.render, { target: "web", removed: job.id }, { target: ["db"], removed: ["x"] }),
  ],
  kill: [
    changed<Output<typeof kill>>(
      kill.render,
      { killed: [{ id: "c1", session: "web", stopped: "confirmed" }] },
      {
        killed: [
          [{ id: "c2", session: "web", stopped: "confirmed" }],
          [{ id: "c1", session: "db", stopped: "confirmed" }],
          [{ id: "c1", session: "web", stopped: "unconfirmed" }],
          [{ id: "c1", session: "web", stopped: null }],
        ],
      },
    ),
  ],
  transfer: [changed(transfer.render, report, reportChanges)],
  sync: [changed(sync.render, report, reportChanges)],
  lend: [changed<Output<typeof lend>>(lend.render, { lent: ["web"] }, { lent: [["db"], ["web", "db"]] })],
  unlend: [changed<Output<typeof unlend>>(unlend.render, { unlent: ["web"] }, { unlent: [["db"], ["web", "db"]] })],
  hosts: [
    changed<Output<typeof hostsList>>(
      hostsList.render,
      { hosts: [], resolved: null, members: null },
      { hosts: [[host], [host, { ...host, name: "db" }]], resolved: [resolved], members: [["gone"]] },
    ),
    changed((each: typeof resolved) => hostsList.render({ hosts: [], resolved: each, members: null }), resolved, {
      ...{ host: ["192.0.2.2"], port: [2222], user: ["root"], options: [["port 22 (-o)"]] },
    }),
    changed(hostText, host, {
      ...{ name: ["db"], origin: ["/etc/ssh/ssh_config:1"], label: [null, "other"], groups: [[], ["prod", "eu"]] },
      ...{ sessions: [["web"], ["web", "web-2"]], proposedBy: ["editor 1.0"] },
    }),
  ],
  "hosts-show": [
    changed(hostsShow.render, shownHost, {
      ...{ name: ["db"], host: ["192.0.2.2"], port: [2222], user: ["root"], origin: [null, "/b/ssh_config:1"] },
      ...{ label: ["the web"], groups: [[], ["eu"]], legacy: [true], passwordCommand: [true] },
      ...{ proposal: [{ by: "editor 1.0", entry: "Host web" }] },
      options: [[], option === undefined ? [] : [option, option2], [option2], [{ ...option2, acted: false }]],
    }),
  ],
  "hosts-add": [
    changed<Output<typeof hostsAdd>>(hostsAdd.render, { ...change, enable: null }, { ...other, enable: ["a command"] }),
  ],
  "hosts-set": [changed(hostsSet.render, change, other)],
  "hosts-rm": [changed(hostsRm.render, change, other)],
  "hosts-enable": [changed(hostsEnable.render, change, other)],
  trust: [
    changed<Output<typeof trust>>(trust.render, trustedHost, {
      ...{ host: ["web"], port: [22], name: ["web"], file: [null, "/b/known_hosts"] },
      keys: [[], trustedHost.keys.slice(1), trustedHost.keys.map((key) => ({ ...key, state: "left" }))],
    }),
  ],
  init: [
    changed<Output<typeof init>>(init.render, files, {
      ...{ created: [["/b/config.toml"]], kept: [["/b/config.toml"]], include: ["Include /c"], included: [true] },
    }),
  ],
  close: [
    changed<Output<typeof close>>(close.render, { closed: [] }, { closed: [["web"], ["web", "db"], ["db", "web"]] }),
  ],
};

describe.each(operations.map((operation) => ({ name: operation.name, operation })))(
  "the text of $name",
  ({ name, operation }) => {
    test("changes with every field", () => {
      for (const { render } of tables[name] ?? []) {
        const texts = render();
        expect(new Set(texts).size).toBe(texts.length);
      }
      const fields = new Set((tables[name] ?? []).flatMap((table) => table.fields));
      // Output that is cut, or no text, says so itself: see below.
      const expected = Object.keys(operation.output.entries).filter(
        (field) => field !== "truncated" && field !== "binary",
      );
      expect(expected.filter((field) => !fields.has(field))).toEqual([]);
    });
  },
);

test("every field of a row, and of a call, is changed above", () => {
  const [rows, , waits, calls] = tables["sessions"] ?? [];
  const { sessions: ofRow, calls: ofCall, pending: ofWait } = sessions.output.entries;
  expect(Object.keys(ofWait.pipe[0].item.entries).filter((field) => !waits?.fields.includes(field))).toEqual([]);
  expect(Object.keys(ofRow.pipe[0].item.entries).filter((field) => !rows?.fields.includes(field))).toEqual([]);
  expect(Object.keys(ofCall.pipe[0].wrapped.item.entries).filter((field) => !calls?.fields.includes(field))).toEqual(
    [],
  );
});

test("a cut stream says in the text how much is missing", async () => {
  const capture = new OutputCapture(64);
  await capture.write(new TextEncoder().encode("line\n".repeat(1000)));
  const { text: stdout, truncated, omittedBytes } = capture.text();
  const text = exec.render({ ...exited, stdout, truncated, stdoutBytes: 5000 });
  expect(text).toContain("stdout (5000 bytes):\n");
  expect(text).toContain(`[… ${omittedBytes} bytes, `);
});

test.each([
  { outcome: "timedOut", begins: "TIMEOUT: " },
  { outcome: "canceled", begins: "CANCELED: " },
  { outcome: "unknown", begins: "OUTCOME_UNKNOWN: " },
] as const)("a command that is $outcome begins with its code", ({ outcome, begins }) => {
  expect(exec.render({ ...exited, outcome, exitCode: null })).toStartWith(begins);
});

describe("what came from elsewhere does nothing to a terminal", () => {
  const hostile = "\x1b]0;title\x07\x9b2J\u202eevil\u2066";
  const acting = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/;
  test.each([
    { what: "output", text: exec.render({ ...exited, stdout: hostile, stderr: hostile }) },
    { what: "a banner", text: connect.render({ ...lasting, banner: hostile }) },
    { what: "a title", text: connect.render({ ...lasting, title: `${hostile}\n` }) },
    { what: "a destination", text: connect.render({ ...lasting, destination: `${hostile}\n` }) },
    { what: "a title in a list", text: rowText({ ...row, title: `${hostile}\n` }) },
    { what: "a destination in a list", text: rowText({ ...row, destination: `${hostile}\n` }) },
    { what: "a command that runs", text: callText({ ...call, command: `${hostile}\n` }) },
    { what: "whose command runs", text: callText({ ...call, by: { face: "mcp", client: `${hostile}\n` } }) },
    { what: "a client in a list", text: rowText({ ...row, openedBy: { face: "mcp", client: `${hostile}\n` } }) },
  ])("$what", ({ text }) => {
    expect(text).toContain("evil");
    expect(text).not.toMatch(acting);
  });

  test.each([{ title: "a\nb" }, { destination: "a\nb" }])("nor does %j begin a line of its own", (facts) => {
    expect(rowText({ ...row, ...facts }).split("\n")).toHaveLength(1);
  });
});
