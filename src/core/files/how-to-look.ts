import { hintFor } from "../hint.ts";
import type { Caller } from "../operation.ts";
import { type ActsOn, commandOn } from "./path-operand.ts";

/** For a hint, after a change of which nobody knows whether it was done: how whoever called finds out. */
export const howToLook = (where: ActsOn, path: string, caller: Pick<Caller, "face">): string => {
  const { target, sudo } = where;
  const as = sudo === undefined || sudo === false ? {} : { sudo: sudo === "root" ? true : sudo };
  return hintFor(caller, {
    command: commandOn(where, ["stat"], path),
    tool: `ssh_path ${JSON.stringify({ target, action: "stat", path, ...as })}`,
  });
};
