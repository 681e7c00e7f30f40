import type { CommandRequest, CommandResult } from "../../core/command.ts";
import { type Become, plainForm } from "../../core/command-form.ts";
import { SshMcpError, toSshMcpError } from "../../core/errors.ts";
import { escapeLine, shortened } from "../../core/escape.ts";
import type { SftpLink } from "../sftp/sftp-link.ts";

/** Where systems have OpenSSH's SFTP server: Debian, BSD, Red Hat, Alpine, SUSE, Arch, NixOS, what was built by hand. */
const places = [
  "/usr/lib/openssh",
  "/usr/libexec/openssh",
  "/usr/libexec",
  "/usr/lib/ssh",
  "/usr/lib64/ssh",
  "/run/current-system/sw/libexec",
  "/usr/local/libexec",
  "/usr/local/lib/openssh",
];

/** Status of the helper where there is no SFTP server. */
export const noServer = 97;

/** Becomes the first SFTP server that is there, in the home directory of its user: sudo and su stay where the login is. */
const helperProgram = [
  'cd "$HOME" 2>/dev/null||cd /',
  `for d in ${places.join(" ")};do [ -x $d/sftp-server ]&&exec $d/sftp-server;done`,
  `p=$(command -v sftp-server)&&exec "$p"`,
  `exit ${noServer}`,
].join(";");

/** How long a helper may take to end by itself when its input has ended. */
const endGraceMs = 1000;
const complaintLimit = 1024;

/** Runs a command until the signal aborts. It says when the command has a channel. */
export type RunsHelper = (
  request: CommandRequest,
  signal: AbortSignal,
  onChannel: () => void,
) => Promise<CommandResult>;

/** SFTP with a server that a command starts, as another user: bytes are its standard input and output. */
export class HelperLink implements SftpLink {
  onData: SftpLink["onData"] = () => undefined;
  heardAt = performance.now();
  /** How the command ended, or that it was not run. */
  readonly finished: Promise<CommandResult>;
  /** Resolves when it has a channel; never when it gets none. */
  readonly begun: Promise<void>;
  readonly #ended = Promise.withResolvers<SshMcpError>();
  readonly #stop = new AbortController();
  #waiting: Uint8Array[] = [];
  #more = Promise.withResolvers<void>();
  #isHeard = false;
  #isEnded = false;
  #complaint = "";

  /** @param connected whether the connection is still up */
  constructor(run: RunsHelper, become: Become, connected: () => boolean) {
    const request: CommandRequest = {
      command: helperProgram,
      form: { ...plainForm, become, interpreter: "sh" },
      stdin: this.#input(),
      stdout: { write: async (chunk) => this.#hear(chunk) },
      stderr: {
        write: async (chunk) => {
          this.#complaint = (this.#complaint + Buffer.from(chunk).toString("latin1")).slice(0, complaintLimit);
        },
      },
      timeoutMs: null,
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    this.begun = promise;
    this.finished = run(request, this.#stop.signal, resolve);
    this.finished.then(
      ({ reason }) => {
        const said = this.#complaint.trim() || (reason ?? "");
        const words = said === "" ? "" : `: ${shortened(escapeLine(said), 200)}`;
        const code = connected() ? "REMOTE_IO" : "CONNECTION_LOST";
        this.#finish(new SshMcpError(code, `the SFTP server of ${become.user} ended${words}`));
      },
      (error: unknown) => this.#finish(toSshMcpError(error)),
    );
  }

  get ended(): Promise<SshMcpError> {
    return this.#ended.promise;
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  send(bytes: Uint8Array): void {
    if (this.#isEnded) return;
    this.#waiting.push(bytes);
    this.#more.resolve();
  }

  end(reason = new SshMcpError("CONNECTION_LOST", "SFTP was ended")): void {
    if (this.#isEnded) return;
    this.#finish(reason);
    // What has not answered may wait for a channel, or at sudo.
    if (!this.#isHeard) {
      this.#stop.abort();
      return;
    }
    const stopping = setTimeout(() => this.#stop.abort(), endGraceMs);
    stopping.unref();
    const over = (): void => clearTimeout(stopping);
    this.finished.then(over, over);
  }

  #hear(chunk: Uint8Array): void {
    this.#isHeard = true;
    this.heardAt = performance.now();
    if (!this.#isEnded) this.onData(chunk);
  }

  /** The first reason stays. */
  #finish(reason: SshMcpError): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#waiting = [];
    this.#ended.resolve(reason);
    this.#more.resolve();
  }

  async *#input(): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.#isEnded) return;
      const waiting = this.#waiting;
      this.#waiting = [];
      if (waiting.length > 0) yield waiting.length === 1 ? (waiting[0] as Uint8Array) : Buffer.concat(waiting);
      else {
        await this.#more.promise;
        this.#more = Promise.withResolvers<void>();
      }
    }
  }
}
