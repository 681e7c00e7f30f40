/** Runs programs as a server would: by the bootstrap, read from the standard input of a shell of this machine, with the userland that stands in PATH. */
import { spawn } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CommandResult } from "../../../src/core/command.ts";
import { pathBytes } from "../../../src/core/files/path-text.ts";
import type { RemoteProgram } from "../../../src/core/files/remote-files.ts";
import { bootstrapProgram, evaluate, lineOf } from "../../../src/ssh/commands/bootstrap.ts";

export interface LocalShell {
  name: string;
  argv: readonly string[];
  path: string;
}

/** The shells and userlands of this machine. @param tools a directory of ours for the userlands */
export const localShells = (tools: string): LocalShell[] => {
  const busybox = join(tools, "busybox");
  mkdirSync(busybox);
  Bun.spawnSync(["busybox", "--install", "-s", busybox]);
  const bare = join(tools, "bare");
  mkdirSync(bare);
  // Without stat, find, readlink and realpath.
  const few =
    "ls cat dd head mv ln rm rmdir mkdir chmod chown chgrp touch df date printf cut tail sleep sha256sum tar true";
  for (const tool of few.split(" ")) symlinkSync(Bun.which(tool) ?? "", join(bare, tool));
  const bsd = join(tools, "bsd");
  mkdirSync(bsd);
  for (const tool of `${few} find readlink realpath`.split(" "))
    if (!["mv", "ln", "dd"].includes(tool)) symlinkSync(Bun.which(tool) ?? "", join(bsd, tool));
  for (const [tool, script] of Object.entries(likeBsd)) writeFileSync(join(bsd, tool), script, { mode: 0o755 });
  const usual = "/usr/local/bin:/usr/bin:/bin";
  return [
    { name: "dash", argv: ["/usr/bin/dash"], path: usual },
    { name: "bash", argv: ["/usr/bin/bash"], path: usual },
    { name: "mksh", argv: ["/usr/bin/mksh"], path: usual },
    { name: "ksh", argv: ["/usr/bin/ksh"], path: usual },
    { name: "zsh as sh", argv: ["/usr/bin/zsh", "--emulate", "sh"], path: usual },
    { name: "busybox", argv: ["/usr/bin/busybox", "ash"], path: busybox },
    { name: "dash with few tools", argv: ["/usr/bin/dash"], path: bare },
    { name: "dash as on a BSD", argv: ["/usr/bin/dash"], path: bsd },
  ].filter(({ argv }) => Bun.which(argv[0] ?? "") !== null);
};

/** What the tools of a BSD do not know, or know otherwise. */
const likeBsd: Readonly<Record<string, string>> = {
  stat: `#!/bin/sh
[ "$1" = -f ]||{ echo "stat: illegal option" >&2;exit 1;}
f=$2 r=0 L=
shift 2
[ "$1" = -L ]&&{ L=-L;shift;}
for n do
h=$(/usr/bin/stat $L -c '%f %s %u %g %Y %d %i' "$n")||{ r=1;continue;}
set -- $h
case $f in %d)echo $6;;*)printf 'f%o %s %s %s %s %s.%s /%s\\n' 0x$1 $2 $3 $4 $5 $6 $7 "$n";;esac
done
exit $r
`,
  mv: '#!/bin/sh\ncase $*" " in *-T*|*--help*)echo usage >&2;exit 64;;esac\nexec /usr/bin/mv "$@"\n',
  ln: '#!/bin/sh\ncase $*" " in *-T*|*--help*)echo usage >&2;exit 64;;esac\nexec /usr/bin/ln "$@"\n',
  dd: '#!/bin/sh\ncase $* in *fsync*)echo "dd: unknown conversion fsync" >&2;exit 1;;esac\nexec /usr/bin/dd "$@"\n',
};

export interface LocalRun {
  (program: RemoteProgram): Promise<CommandResult>;
  /** Programs that were run. */
  count: number;
}

/** @param home where the programs begin */
export const localRun = (shell: LocalShell, home: string): LocalRun => {
  const run: LocalRun = Object.assign(
    async (program: RemoteProgram): Promise<CommandResult> => {
      run.count++;
      const [command = "", ...args] = shell.argv;
      const child = spawn(command, [...args, "-c", bootstrapProgram], {
        cwd: home,
        env: { PATH: shell.path, HOME: home, LANG: "C.UTF-8" },
        stdio: ["pipe", "pipe", "pipe"],
      });
      child.stdin.on("error", () => {});
      let broken = false;
      const deliver = async (which: "stdout" | "stderr"): Promise<number> => {
        let bytes = 0;
        for await (const chunk of child[which]) {
          bytes += chunk.length;
          try {
            await program[which]?.write(chunk);
          } catch {
            broken = true;
            child.kill("SIGKILL");
            break;
          }
        }
        return bytes;
      };
      const input = async (): Promise<void> => {
        const put = (bytes: Uint8Array): Promise<void> =>
          new Promise((done) => {
            child.stdin.write(bytes, () => done());
          });
        await put(pathBytes(lineOf(evaluate(program.script))));
        try {
          for await (const chunk of program.stdin ?? []) {
            if (child.exitCode !== null) break;
            await put(chunk);
          }
        } finally {
          child.stdin.end();
        }
      };
      const ended = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
        child.on("error", reject);
        child.on("close", (code, signal) => resolve({ code, signal }));
      });
      const [stdoutBytes, stderrBytes, , { code, signal }] = await Promise.all([
        deliver("stdout"),
        deliver("stderr"),
        input().catch(() => {}),
        ended,
      ]);
      return {
        outcome: broken ? "canceled" : signal === null ? "exited" : "signaled",
        exitCode: code,
        signal,
        stopped: null,
        durationMs: 0,
        stdoutBytes,
        stderrBytes,
        reason: null,
      };
    },
    { count: 0 },
  );
  return run;
};
