import { SshMcpError } from "../../src/core/errors.ts";

/** The error with a code that a promise is rejected with. @throws whatever else it is, or that it was fulfilled */
export const rejectionOf = async (promise: Promise<unknown>): Promise<SshMcpError> => {
  try {
    await promise;
  } catch (error) {
    if (error instanceof SshMcpError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
};
