/** For processes to end that were asked to, and for those that must. */
const limitMs = 2000;
const pauseMs = 10;

/**
 * Waits until nothing is left, and ends what takes too long.
 * @param find the processes that are to be gone; those among them that others have started meanwhile
 */
export const endProcesses = async (find: () => Promise<number[]>): Promise<void> => {
  const deadline = performance.now() + limitMs;
  for (let pids = await find(); pids.length > 0; pids = await find()) {
    const now = performance.now();
    if (now > deadline) pids.forEach(kill);
    // One that cannot be ended, in the middle of a broken file system, must not keep this one.
    if (now > deadline + limitMs) return;
    await Bun.sleep(pauseMs);
  }
};

const kill = (pid: number): void => {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
};
