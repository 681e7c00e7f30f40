/** The word that names a path on a server, for hints: what `parseOperand` takes apart again. */
export const pathOperand = (target: string, path: string): string => {
  if (/^ssh:\/\//i.test(target)) return `${target.replace(/\/+$/, "")}/${path}`;
  return `${target}:${path}`;
};
