import { SshMcpError } from "../../../src/core/errors.ts";

/** The error with a code that an act throws. @throws whatever else it throws, or that it threw nothing */
export const thrownBy = (act: () => unknown): SshMcpError => {
  try {
    act();
  } catch (error) {
    if (error instanceof SshMcpError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};
