/** The code of a system error (`ENOENT`), or whatever else was thrown as text. */
export const errorCode = (thrown: unknown): string =>
  thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
