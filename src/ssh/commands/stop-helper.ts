import { randomBytes } from "node:crypto";
import { within } from "../transport/within.ts";
import { bootstrapLine, lineOf } from "./bootstrap.ts";
import type { SessionChannel } from "./channel.ts";
import { tagVariable } from "./command-tag.ts";
import type { OtherUser, Prologue } from "./prologue.ts";
import { stopScript } from "./stop-script.ts";
import { isTagged, type StopHost, type StoppableCommand } from "./stoppable.ts";

export type Verdict = "gone" | "none" | "left" | "unsure" | "blind";

export interface HelperTask {
  /** Whether these are all commands of the connection, and none is begun until they have been looked for. */
  all: boolean;
  /** Told when what is there has been looked at: what begins from then on is not taken for it. */
  looked?: () => void;
}

/** From the helper's first word to its verdict; the ladder itself takes 3.5 s on the server. */
const verdictLimitMs = 5000;
/** From the request for a helper to its first word: a server under load takes its time to start a shell. */
const beginLimitMs = 2500;
/** How long the server may take to open a channel for the helper. */
const answerLimitMs = 1000;

/** Helpers on one connection: each is a shell beside the commands, of the same user, that reads `stopScript`. */
export class StopHelpers {
  readonly #host: StopHost;
  /**
   * For whom a helper was started that did not say that it was one: whatever ran instead of it must not run again. Null for the login's own:
   * what runs instead of that one would run instead of every other as well.
   */
  readonly #mute = new Set<string | null>();

  constructor(host: StopHost) {
    this.#host = host;
  }

  /**
   * One helper for commands of the same user.
   * @returns `full` when the server opens no further channel; null when it gave no verdict in time, or none may be asked
   */
  async run(
    commands: readonly StoppableCommand[],
    signals: boolean,
    { all, looked = () => {} }: HelperTask = { all: false },
  ): Promise<Verdict | "full" | null> {
    const become = commands[0]?.become ?? null;
    const isMute = this.#mute.has(null) || this.#mute.has(become?.who ?? null);
    if (isMute || this.#host.runsForcedCommand() || !this.#host.connected()) return null;
    const opening = this.#host.pool.acquireHelper().catch(() => "full" as const);
    const helper = await within(opening, answerLimitMs, null);
    if (helper === null || helper === "full") {
      // It may still come, long after anybody waits for it.
      void opening.then((late) => late !== "full" && late.close());
      return helper;
    }
    const mark = `ssh-mcp-stop-${randomBytes(12).toString("hex")}`;
    const tagged = (await Promise.all(commands.map(isTagged))).every(Boolean);
    const tags = commands.flatMap(({ tag, become }) => (become ? [tag, become.tag] : [tag]));
    try {
      const script = stopScript({ mark, variable: tagVariable, tags, tagged, all, signals });
      return await this.#converse(helper, mark, script, become, looked);
    } catch {
      // Whatever went wrong with the helper, everybody who waits for it gets an answer: nobody could look.
      return null;
    } finally {
      helper.close();
    }
  }

  async #converse(
    helper: SessionChannel,
    mark: string,
    script: string,
    become: OtherUser | null,
    looked: () => void,
  ): Promise<Verdict | null> {
    let heard = "";
    const prologue = become?.helper(says(`${lineOf('exec /bin/sh -s "$1"')}${script}`), mark) ?? says(script);
    const begun = Promise.withResolvers<boolean>();
    const verdict = new Promise<Verdict | null>((resolve) => {
      helper.read((stream, chunk) => {
        helper.consume(chunk.length);
        const said = Buffer.from(prologue.heard(stream, chunk));
        if (stream !== "stdout") return;
        // A chatty profile may come first; only the last stretch can hold the line.
        heard = (heard + said.toString("latin1")).slice(-4096);
        if (heard.includes(`${mark} begun\n`)) begun.resolve(true);
        if (heard.includes(`${mark} looked\n`)) looked();
        const found = new RegExp(`${mark} (gone|none|left|unsure|blind)\\n`).exec(heard);
        if (found?.[1] !== undefined) resolve(found[1] as Verdict);
      });
      void helper.closed.then(() => {
        begun.resolve(false);
        resolve(null);
      });
    });
    void helper.env(tagVariable, mark);
    // `exec`, so that the helper's parent is the server process, whatever the login shell.
    const accepted = helper.exec(become === null ? "exec /bin/sh -s" : bootstrapLine);
    const started = within(
      accepted.then(async (taken) => {
        if (!taken) return "refused";
        const spoken = prologue.speak((bytes) => helper.write(bytes)).then(() => helper.eof());
        // Sudo may want more than before: the channel is closed, and nobody has looked.
        spoken.catch(() => helper.close());
        return (await begun.promise) ? "begun" : "ended";
      }),
      beginLimitMs,
      "silent",
    );
    const start = await started;
    const who = become?.who ?? null;
    // Something else ran in its place, or sudo did not let it in.
    if (start === "ended" || start === "silent") this.#mute.add(who);
    // Or it was only slow.
    if (start === "silent") void begun.promise.then((late) => late && this.#mute.delete(who));
    return start === "begun" ? await within(verdict, verdictLimitMs, null) : null;
  }
}

/** A prologue that is all there is to say, and keeps nothing of what is heard. */
const says = (text: string): Prologue => ({
  speak: (write) => write(Buffer.from(text)),
  heard: (_, chunk) => chunk,
  rest: () => new Uint8Array(0),
  refused: null,
  refusal: () => null,
  doubt: () => null,
});
