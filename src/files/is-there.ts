import { access } from "node:fs/promises";

/** Whether there is something at a path, as far as this process may look. */
export const isThere = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
