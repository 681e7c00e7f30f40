import type { CommandResult } from "../../../../src/core/command.ts";
import { SshMcpError } from "../../../../src/core/errors.ts";
import type { RemoteMachine } from "../../../../src/core/files/remote-files.ts";
import { SftpClient } from "../../../../src/ssh/sftp/sftp-client.ts";
import { SftpFiles } from "../../../../src/ssh/sftp/sftp-files.ts";
import type { SftpLink } from "../../../../src/ssh/sftp/sftp-link.ts";
import { sftpMachine, startSftpProcess } from "../../../support/sftp-process.ts";

/**
 * A server whose link breaks after so many bytes in both directions together, programs' included, counted from when its
 * first channel is open: a machine whose files cannot be opened at all is no machine yet.
 */
export const cutMachine = async (home: string, afterBytes: number): Promise<RemoteMachine> => {
  const real = await sftpMachine({ home });
  const cut = Promise.withResolvers<never>();
  cut.promise.catch(() => undefined);
  const lost = new SshMcpError("CONNECTION_LOST", "the link was cut");
  const links: SftpLink[] = [];
  let left = afterBytes;
  let isCounting = false;
  let isCut = false;
  /** So many of the bytes pass. */
  const pass = (bytes: Uint8Array): Uint8Array => {
    if (isCut) return bytes.subarray(0, 0);
    if (!isCounting) return bytes;
    const passed = bytes.subarray(0, Math.max(0, left));
    left -= bytes.length;
    if (left < 0) {
      isCut = true;
      // What was sent before arrives.
      setTimeout(() => {
        for (const link of links) link.end();
        cut.reject(lost);
      }, 5);
    }
    return passed;
  };
  const open = async (): Promise<SftpClient> => {
    if (isCut) throw lost;
    const { link } = startSftpProcess({ home });
    links.push(link);
    const wrapped: SftpLink = {
      send: (bytes) => {
        const passed = pass(bytes);
        if (passed.length > 0) link.send(passed);
      },
      onData: () => undefined,
      ended: link.ended,
      end: () => link.end(),
    };
    link.onData = (chunk) => {
      const passed = pass(chunk);
      if (passed.length > 0) wrapped.onData(passed);
    };
    return await SftpClient.open(wrapped, AbortSignal.timeout(10_000));
  };
  const first = await open();
  isCounting = true;
  return {
    name: "db1",
    files: new SftpFiles({ first, another: open, where: "db1" }),
    run: async (program) => {
      if (isCut) throw lost;
      const { stdin, stdout } = program;
      const cutInput = async function* (): AsyncGenerator<Uint8Array, void> {
        for await (const chunk of stdin ?? []) {
          const passed = pass(chunk);
          if (passed.length > 0) yield passed;
          // The server reads the end of what came.
          if (isCut) return;
        }
      };
      const running = real.run({
        ...program,
        stdin: cutInput(),
        stdout: {
          write: async (chunk) => {
            const passed = pass(chunk);
            if (passed.length > 0) await stdout?.write(passed);
            if (isCut) await cut.promise;
          },
        },
      });
      running.catch(() => undefined);
      const unknown = cut.promise.catch(
        (): CommandResult => ({
          outcome: "unknown",
          exitCode: null,
          signal: null,
          stopped: null,
          durationMs: 0,
          stdoutBytes: 0,
          stderrBytes: 0,
          reason: "the link was cut",
        }),
      );
      const result = await Promise.race([running, unknown]);
      return isCut ? await unknown : result;
    },
  };
};
