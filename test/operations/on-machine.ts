/** Operations on the files of a real SFTP server, without SSH. */
import * as v from "valibot";
import type { Context, Face, Operation } from "../../src/core/operation.ts";
import { sftpMachine } from "../support/sftp-process.ts";
import { contextFor, FakeSessions } from "./fake-sessions.ts";

export const startMachine = async () => {
  const machine = await sftpMachine();
  const sessions = new FakeSessions();
  sessions.machine = machine;
  /** Runs one as a face would; the input is checked as dispatch does. */
  const run = async <O extends Pick<Operation, "input" | "validate" | "run">>(
    operation: O,
    input: Record<string, unknown>,
    changes: Partial<Context> & { face?: Face } = {},
  ): Promise<Awaited<ReturnType<O["run"]>>> => {
    const { face = "mcp", ...others } = changes;
    const given = v.parse(operation.input, { target: "web", ...input });
    const issues = operation.validate(given as never);
    if (issues.length > 0) throw new Error(JSON.stringify(issues));
    const context = { ...contextFor(face, sessions), ...others };
    return (await operation.run(given as never, context)) as Awaited<ReturnType<O["run"]>>;
  };
  const at = (name: string): string => `${machine.home}/${name}`;
  return { machine, sessions, run, at };
};
