/** Processes that were started in a group of their own (setsid(2)), so that what they start ends with them. */

/**
 * Sends a signal to all of a group, which may outlive its leader; 0 only looks.
 * @param leader the process id that was started
 * @returns false when nothing is left of it, or nothing that is ours
 */
export const signalGroup = (leader: number, signal: NodeJS.Signals | 0): boolean => {
  try {
    process.kill(-leader, signal);
    return true;
  } catch {
    return false;
  }
};
