/** What `report` of job-script.ts says, as jobs. Everything in it may have been written by somebody else. */
import { isJobId, type Job } from "../../core/jobs.ts";

/** @returns the jobs, and whether the report was complete */
export const readReport = (text: string): { jobs: Job[]; complete: boolean } => {
  const blocks: string[][] = [];
  const lines = text.split("\n");
  for (const line of lines) {
    if (line.startsWith("job ")) blocks.push([]);
    blocks.at(-1)?.push(line);
  }
  return { jobs: blocks.flatMap((block) => jobOf(block) ?? []), complete: lines.includes("done") };
};

const jobOf = (block: readonly string[]): Job | null => {
  const values = new Map<string, string>();
  for (const line of block) {
    const space = line.indexOf(" ");
    const word = space < 0 ? line : line.slice(0, space);
    const rest = space < 0 ? "" : line.slice(space + 1);
    if (word === "size") values.set(`size ${rest.split(" ")[0]}`, rest.split(" ")[1] ?? "");
    else if (!values.has(word)) values.set(word, rest);
  }
  const [id = "", alive = ""] = (values.get("job") ?? "").split(" ");
  const [final, how = "", value = "", at = ""] = (values.get("end") ?? "").split(" ");
  const [pid = "", node = ""] = (values.get("pid") ?? "").split(" ");
  if (!isJobId(id) || how === "void") return null;
  const ended = final === "1";
  const exitCode = ended && how === "exit" && /^\d{1,10}$/.test(value) ? Number(value) : null;
  const signal = ended && how === "signal" && /^[A-Z]{2,6}$/.test(value) ? value : null;
  const state = ended ? endState(exitCode, signal, values.has("killed")) : liveState(alive);
  const title = values.get("title") ?? "";
  const cwd = values.get("cwd") ?? "";
  return {
    ...{ id, state, exitCode, signal },
    reason: reasonOf(state, alive, node),
    command: values.get("command") ?? "",
    title: title === "" ? null : title,
    cwd: cwd === "" ? null : cwd,
    pid: numberOf(pid),
    startedAt: timeOf(values.get("began")?.split(" ")[0] ?? ""),
    endedAt: ended ? timeOf(at) : null,
    stdoutBytes: numberOf(values.get("size stdout") ?? ""),
    stderrBytes: numberOf(values.get("size stderr") ?? ""),
  };
};

const endState = (exitCode: number | null, signal: string | null, wasKilled: boolean): Job["state"] => {
  if (exitCode === null && signal === null) return "lost";
  if (wasKilled || signal !== null) return "killed";
  return exitCode === 0 ? "finished" : "failed";
};

const liveState = (alive: string): Job["state"] => {
  if (alive === "yes" || alive === "perhaps") return "running";
  if (alive === "unborn") return "starting";
  return alive === "elsewhere" ? "elsewhere" : "lost";
};

const reasonOf = (state: Job["state"], alive: string, node: string): string | null => {
  if (state === "elsewhere") return `it was started on ${node}, which shares this home directory`;
  if (state !== "lost") return null;
  return alive === "rebooted"
    ? "the machine was restarted before it had ended"
    : "its process is gone and left no status";
};

const numberOf = (text: string): number | null => (/^\d{1,15}$/.test(text) ? Number(text) : null);

const timeOf = (seconds: string): string | null => {
  const number = numberOf(seconds);
  // 0: the server cannot tell. The latest that a Date holds is in the year 275760.
  return number === null || number === 0 || number > 8_640_000_000_000 ? null : new Date(number * 1000).toISOString();
};
