import type { Behaviour } from "./scripted-server.ts";
import { message, sendEndlessly, sendMessage } from "./ssh-packet.ts";

/** Servers with a name, for tables and transcripts. A command they do not speak of writes nothing and exits with 0. */
export const behaviours = {
  /** Answers every command with the command. */
  echo: { exec: (run) => run.finish(0, `${run.command}\n`) },
  /** The command is the exit status, decimal or 0x…, or a signal's name. */
  "exit-as-told": {
    exec: (run) => run.finish(/^[A-Z]/.test(run.command) ? run.command : Number(run.command)),
  },
  /** Closes the channel without a status. */
  "no-status": {
    exec: (run) => {
      const channel = run.accept();
      channel.write("some output\n");
      channel.end();
    },
  },
  /** Resets the connection in the middle of the command's output. */
  "dies-in-command": {
    exec: (run) => run.accept().write("some output\n", () => setTimeout(() => run.die(), 50)),
  },
  /** Accepts the command and never says a word again. */
  "hangs-in-command": { exec: (run) => run.accept() },
  /** Refuses to run anything, on channels it opens. */
  "refuses-commands": { exec: (run) => run.refuse() },
  /** Opens no channel, as sshd with MaxSessions 0. */
  "refuses-channels": { openChannel: () => false },
  /** Opens one channel a connection. */
  "one-channel": { openChannel: (index) => index === 1, exec: (run) => run.finish(0, `${run.command}\n`) },
  /** Refuses everybody, by password, key and questions alike. */
  "refuses-everybody": {
    authenticate: (context) => context.reject(["publickey", "password", "keyboard-interactive"]),
  },
  /** Takes the password `right`. */
  password: {
    authenticate: (context) =>
      context.method === "password" && context.password === "right" ? context.accept() : context.reject(["password"]),
    exec: (run) => run.finish(0, `${run.command}\n`),
  },
  /** Asks for a code, shown as it is typed, and takes `123456`. */
  "asks-a-code": {
    banner: "Authorized use only.\n",
    authenticate: (context) => {
      if (context.method !== "keyboard-interactive") return context.reject(["keyboard-interactive"]);
      context.prompt([{ prompt: "Code: ", echo: true }], "Two steps", "Look at your phone.", (answers) =>
        answers[0] === "123456" ? context.accept() : context.reject(["keyboard-interactive"]),
      );
    },
    exec: (run) => run.finish(0, `${run.command}\n`),
  },
  /** Asks one more question after every answer. */
  "endless-questions": {
    authenticate: (context) => {
      if (context.method !== "keyboard-interactive") return context.reject(["keyboard-interactive"]);
      const ask = () => context.prompt([{ prompt: "And? ", echo: true }], ask);
      ask();
    },
  },
  /** Sends banners instead of an answer to the first attempt. */
  "endless-banners": {
    authenticate: (_context, attempt, connection) => {
      if (attempt === 1) sendEndlessly(connection, message.banner, "One more thing.\r\n".repeat(50), "");
    },
  },
  /** Never answers an attempt. */
  "silent-authentication": { authenticate: () => {} },
  /** Tries to write to the terminal of whoever reads its banner, prompts and output. */
  "escape-sequences": {
    banner: "\x1b]0;title\x07\x1b[2Jbanner\r\n",
    authenticate: (context) => {
      if (context.method !== "keyboard-interactive") return context.reject(["keyboard-interactive"]);
      context.prompt([{ prompt: "\x1b[31mName\x1b]52;c;aGk=\x07: ", echo: true }], () => context.accept());
    },
    exec: (run) => run.finish(3, "\x1b[2Jout\n", "\x1b[2Jerr\n"),
  },
  /** Sends 64 MiB of output without minding the window. */
  "ignores-window": {
    exec: (run) => {
      const chunk = Buffer.alloc(32 * 1024, "x");
      let left = 2048;
      const more = () => {
        for (let sent = 0; sent < 32 && left > 0; sent++, left--) run.force(chunk);
        if (left > 0) setTimeout(more, 1);
        else run.finish(0);
      };
      more();
    },
  },
  /** Opens channels on which nothing may be sent. */
  "packet-size-zero": { channel: { window: 1 << 20, packetSize: 0 }, exec: (run) => run.stdin() },
  "window-zero": { channel: { window: 0, packetSize: 32 * 1024 }, exec: (run) => run.stdin() },
  /** Sends data on a channel that does not exist. */
  "unknown-channel": {
    ready: (connection) => {
      sendMessage(connection, message.data, 4711, "stray");
    },
    exec: (run) => run.finish(0, `${run.command}\n`),
  },
  /** Offers only what nobody should accept any more. */
  "old-algorithms": {
    algorithms: { kex: ["diffie-hellman-group1-sha1"], cipher: ["3des-cbc"], hmac: ["hmac-md5"] },
  },
} satisfies Record<string, Behaviour>;

export type BehaviourName = keyof typeof behaviours;
