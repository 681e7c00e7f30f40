import type { CallScope } from "../../core/call-scope.ts";
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
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

/**
 * What became of a start whose answer was lost: the server is asked as soon as it can be reached again.
 * @param why the answer was lost
 * @throws SshMcpError CONNECTION_LOST when nothing was started, nor will be; OUTCOME_UNKNOWN when it cannot be asked
 */
export const settledStart = async (session: Session, id: string, why: string, scope: CallScope): Promise<Job> => {
  const until = performance.now() + patienceMs;
  for (;;) {
    try {
      const { result, stdout, stderr } = await runScript(
        session,
        { script: settleScript(id), label: `job show ${id}` },
        answerMs,
        scope,
      );
      if (/^never$/m.test(stdout)) {
        throw new SshMcpError("PRECONDITION_FAILED", `${why}; the job was not started, nor will it be`, {
          retryable: true,
        });
      }
      const job = readReport(stdout).jobs.find((each) => each.id === id);
      if (job !== undefined) return job;
      throw noAnswer(result, stderr);
    } catch (thrown) {
      const error = toSshMcpError(thrown);
      if (error.code === "PRECONDITION_FAILED") throw error;
      if (performance.now() > until || error.code === "AUTH_REQUIRED") {
        throw startUnknown(session.info.name, id, why, scope.caller);
      }
    }
    await Bun.sleep(pauseMs);
  }
};
