/** The operations on paths against this machine as a server: over OpenSSH's sftp-server, with and without sh, or over sh alone. */

import { SshMcpError } from "../../../src/core/errors.ts";
import type { RemoteMachine } from "../../../src/core/files/remote-files.ts";
import type { Context, Face, Operation } from "../../../src/core/operation.ts";
import { ShFiles } from "../../../src/ssh/sh-files/sh-files.ts";
import { sftpMachine } from "../../support/sftp-process.ts";
import { contextFor, FakeSessions } from "../fake-sessions.ts";

export const kinds = ["sftp", "sftp without sh", "sh"] as const;
export type Kind = (typeof kinds)[number];

export interface Server {
  home: string;
  machine: RemoteMachine;
  notices: string[];
  run(operation: unknown, input: Record<string, unknown>, face?: Face, changes?: Partial<Context>): Promise<never>;
}

export const server = async (kind: Kind = "sftp", home?: string): Promise<Server> => {
  const base = await sftpMachine(home === undefined ? {} : { home });
  const noSh = () => Promise.reject(new SshMcpError("UNSUPPORTED", "there is no sh"));
  const machine: RemoteMachine = {
    name: "web",
    files: kind === "sh" ? new ShFiles({ run: base.run, where: "web" }) : base.files,
    run: kind === "sftp without sh" ? noSh : base.run,
  };
  const notices: string[] = [];
  const run: Server["run"] = async (operation, input, face = "cli", changes = {}) => {
    const { run: runs, validate } = operation as Operation;
    const given = { target: "web", ...input };
    const issues = validate(given);
    if (issues.length > 0) throw new SshMcpError("INVALID_INPUT", issues.map(({ message }) => message).join("; "));
    const sessions = new FakeSessions();
    sessions.machine = machine;
    const context = { ...contextFor(face, sessions), notice: (text: string) => void notices.push(text), ...changes };
    return (await runs(given, context)) as never;
  };
  return { home: base.home, machine, notices, run };
};
