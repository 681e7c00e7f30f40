import { toSshMcpError } from "../../core/errors.ts";

/**
 * What is said where no broker can be, because the directory for its socket cannot be written.
 * @param instead what happens now
 * @throws what was thrown, when it is anything else
 */
export const withoutBroker = (thrown: unknown, instead: string): string => {
  const { code, message } = toSshMcpError(thrown);
  if (code !== "LOCAL_IO") throw thrown;
  return `no broker can run here: ${message}; ${instead}`;
};
