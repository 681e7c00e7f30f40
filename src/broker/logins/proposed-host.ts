import { findProposal } from "../../config/own-config/entry-edit.ts";
import { linesOf, ownConfigFile } from "../../config/own-config/own-file.ts";
import { readConfigFile } from "../../config/ssh-config/files/file.ts";
import { SshMcpError } from "../../core/errors.ts";
import { quotedWords } from "../../core/escape.ts";
import type { Face } from "../../core/operation.ts";
import { baseDirectory } from "../../files/base-directory.ts";
import { hintPrefix } from "../process/hint-prefix.ts";
import type { DialPlan } from "./dial-plan.ts";

/** Why a name was not found that an agent proposes as a host: it is nobody's until a person enables it. Any other error is given back as it is. */
export const explainedByProposal = (
  error: unknown,
  { typedHost, resolved }: Pick<DialPlan, "typedHost" | "resolved">,
  face: Face,
): unknown => {
  if (!(error instanceof SshMcpError) || error.code !== "DNS_FAILED" || resolved.isAlias) return error;
  const base = baseDirectory();
  const by = proposedBy(ownConfigFile(base), typedHost);
  if (by === null) return error;
  // A person who typed the name looks at it first.
  const command = face === "mcp" ? `${hintPrefix(base)}ssh-mcp hosts enable` : "ssh-mcp hosts show";
  const who = by === "" ? "" : ` by ${quotedWords(by, 100)}`;
  return new SshMcpError("PRECONDITION_FAILED", `${typedHost} is proposed${who}, and not enabled`, {
    hint: `${command} ${typedHost}`,
    cause: error,
  });
};

const proposedBy = (path: string, name: string): string | null => {
  try {
    return findProposal(linesOf(readConfigFile(path, "default", null)?.text ?? ""), path, name)?.proposedBy ?? null;
  } catch (error) {
    if (error instanceof SshMcpError) return null;
    throw error;
  }
};
