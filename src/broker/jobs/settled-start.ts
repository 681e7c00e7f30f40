import type { CallScope } from "../../core/call-scope.ts";
import { type ErrorCode, SshMcpError, toSshMcpError } from "../../core/errors.ts";
import type { Job } from "../../core/jobs.ts";
import type { Session } from "../../core/session.ts";
import { noAnswer, startUnknown } from "./job-errors.ts";
import { readReport } from "./job-report.ts";
import { settleScript } from "./job-script.ts";
import { runScript } from "./run-script.ts";

/** How long a server is tried for that went away in the middle of a start. */
const patienceMs = 10_000;
const pauseMs = 250;
const answerMs = 15_000;

/** What no further try changes; a server that counts failed logins would shut its user out. */
const final: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  ...(["AUTH_REQUIRED", "AUTH_FAILED", "CANCELED"] as const),
  ...(["HOST_KEY_UNKNOWN", "HOST_KEY_CHANGED", "HOST_KEY_REVOKED"] as const),
]);

/**
 * What became of a start whose answer was lost: the server is asked as soon as it can be reached again.
 * @param why the answer was lost
 * @throws SshMcpError PRECONDITION_FAILED when nothing was started, nor will be; OUTCOME_UNKNOWN when it cannot be asked
 */
export const settledStart = async (session: Session, id: string, why: string, scope: CallScope): Promise<Job> => {
  const until = performance.now() + patienceMs;
  for (;;) {
    const answer = await asked(session, id, scope).catch(toSshMcpError);
    if (answer === "never") {
      throw new SshMcpError("PRECONDITION_FAILED", `${why}; the job was not started, nor will it be`, {
        retryable: true,
      });
    }
    if (!(answer instanceof SshMcpError)) return answer;
    if (performance.now() > until || final.has(answer.code)) {
      throw startUnknown(session.info.name, id, why, scope.caller);
    }
    await Bun.sleep(pauseMs);
  }
};

const asked = async (session: Session, id: string, scope: CallScope): Promise<Job | "never"> => {
  const what = { script: settleScript(id), label: `job show ${id}` };
  const { result, stdout, stderr } = await runScript(session, what, answerMs, scope);
  if (/^never$/m.test(stdout)) return "never";
  const job = readReport(stdout).jobs.find((each) => each.id === id);
  if (job === undefined) throw noAnswer(result, stderr);
  return job;
};
