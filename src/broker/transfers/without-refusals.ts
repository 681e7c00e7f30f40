import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import type { RemoteMachine } from "../../core/files/remote-files.ts";

/** The same machine, where a program that gets no channel is one that cannot be run: SFTP does then what it would have done. */
export const withoutRefusals = (machine: RemoteMachine): RemoteMachine => ({
  name: machine.name,
  files: machine.files,
  run: async (program) => {
    try {
      return await machine.run(program);
    } catch (thrown) {
      const error = toSshMcpError(thrown);
      if (error.code !== "CHANNEL_REFUSED") throw error;
      throw new SshMcpError("UNSUPPORTED", error.message, { cause: error });
    }
  },
});
