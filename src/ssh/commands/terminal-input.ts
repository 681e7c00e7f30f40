/** Input for a command whose standard input is a terminal. */

/**
 * Modes of a terminal (RFC 4254, section 8) under which what is read from it is what was sent: no echo, no lines of at most 4 KiB (termios(3),
 * MAX_CANON), no key with a meaning. The program that begins a command goes back to the usual ones.
 */
export const quietModes: Buffer = Buffer.concat(
  // ISIG, ICANON, ECHO, IEXTEN, ICRNL, IXON; then TTY_OP_END.
  [50, 51, 53, 59, 36, 38, 0].map((mode) => Buffer.from(mode === 0 ? [0] : [mode, 0, 0, 0, 0])),
);

/** Ctrl-C, to a terminal in its usual modes. */
const interruptKey = 0x03;
const aheadLimit = 64 * 1024;

/**
 * Looks at what is typed before the command is there to read it: what a key for an interrupt would be to it, it is to us until then.
 * @param interrupted told of that key; what was typed is read nevertheless
 */
export const watched = (source: AsyncIterable<Uint8Array>, interrupted: () => void): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]: () => {
    const chunks = source[Symbol.asyncIterator]();
    const ready: IteratorResult<Uint8Array>[] = [];
    let pending: Promise<IteratorResult<Uint8Array>> | null = null;
    let isBegun = false;
    const readAhead = async (): Promise<void> => {
      for (let size = 0; size < aheadLimit; ) {
        pending = chunks.next();
        const next = await pending;
        // Then it is the reader's.
        if (isBegun) return;
        pending = null;
        ready.push(next);
        if (next.done === true) return;
        size += next.value.length;
        if (next.value.includes(interruptKey)) interrupted();
      }
    };
    // The reader meets the same.
    void readAhead().catch(() => undefined);
    return {
      next: async () => {
        isBegun = true;
        const next = ready.shift() ?? pending ?? chunks.next();
        if (next === pending) pending = null;
        return await next;
      },
      return: async () => {
        isBegun = true;
        await chunks.return?.();
        return { done: true, value: undefined };
      },
    };
  },
});

/** Ctrl-D: the end of what was typed in this line, and of the input where nothing was. */
const endOfFile = 0x04;
const lineFeed = 0x0a;

/**
 * A terminal has no other end of its input than the key for it: behind that, this does not end, for Dropbear hangs up a terminal whose channel
 * has ended.
 * @param isGiven resolves to whether there is a terminal; without one this is the source as it is
 */
export const typed = (source: AsyncIterable<Uint8Array>, isGiven: Promise<boolean>): AsyncIterable<Uint8Array> => ({
  [Symbol.asyncIterator]: () => {
    const chunks = source[Symbol.asyncIterator]();
    const over = Promise.withResolvers<IteratorReturnResult<undefined>>();
    let last = lineFeed;
    let isOver = false;
    return {
      next: async () => {
        if (isOver) return await over.promise;
        const next = await chunks.next();
        if (next.done !== true) {
          last = next.value.at(-1) ?? last;
          return next;
        }
        if (!(await isGiven)) return next;
        isOver = true;
        return { done: false, value: Uint8Array.from(last === lineFeed ? [endOfFile] : [endOfFile, endOfFile]) };
      },
      // A generator would first wait for what is being read.
      return: async () => {
        isOver = true;
        over.resolve({ done: true, value: undefined });
        await chunks.return?.();
        return { done: true, value: undefined };
      },
    };
  },
});
