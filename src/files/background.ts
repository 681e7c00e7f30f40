import { quickFiles } from "./quick-files.ts";

/**
 * Whether this process has a terminal that is another job's just now, as when a shell started it with `&`: the kernel stops whoever reads of
 * it then, or changes its settings. Where there is no /proc, nobody is in the background.
 */
export const isInBackground = (): boolean => isBackgroundJob(quickFiles().read("/proc/self/stat"));

/** @param stat as in proc_pid_stat(5) */
export const isBackgroundJob = (stat: string | null): boolean => {
  // The name before may hold anything, brackets and spaces too.
  const fields = (stat ?? "").slice((stat ?? "").lastIndexOf(")") + 1).split(" ");
  const [, , , group, , , foreground] = fields;
  return foreground !== undefined && Number(foreground) > 0 && foreground !== group;
};
