/** On a terminal: lines as they come, with the host's name before each. */
import { escapeLine } from "../../core/escape.ts";
import type { Sink } from "../../core/sink.ts";
import { PrefixedLines } from "./prefixed-lines.ts";
import type { Desk, View } from "./view.ts";

/** Of one stream. */
export interface Look {
  colour: boolean;
  /** Whether what could harm a terminal is written out. */
  escapes: boolean;
}

/** ECMA-48 foreground colours, without red, which is for errors, and black and white, which may be the ground. */
const colours = [36, 33, 32, 35, 34] as const;

export const liveView = (desk: Desk, looks: { stdout: Look; stderr: Look }): View => ({
  begin: async (target, index) => {
    const lines = (sink: Sink, { colour, escapes }: Look): PrefixedLines => {
      const name = `${escapeLine(target)}:`;
      const prefix = colour ? `\x1b[${colours[index % colours.length]}m${name}\x1b[39m ` : `${name} `;
      return new PrefixedLines(prefix, { write: (chunk) => desk.line(sink, chunk) }, escapes);
    };
    const stdout = lines(desk.stdout, looks.stdout);
    const stderr = lines(desk.stderr, looks.stderr);
    return {
      streams: { stdout, stderr },
      end: async () => {
        await stdout.end();
        await stderr.end();
      },
    };
  },
  unbegun: async () => undefined,
  finish: async () => undefined,
});
