import { expect } from "bun:test";
import { contractOf, contractOfSsh } from "./contract.ts";
import { askSsh, askUs, type Question } from "./ssh-oracle.ts";

/** Compares all that both sides say. @returns whether ssh accepted the configuration */
export const compare = async (question: Question): Promise<boolean> => {
  const [theirs, ours] = await Promise.all([askSsh(question), askUs(question)]);
  if ("lines" in theirs) {
    expect(ours.message).toBe("");
    expect(ours.answer).toEqual(theirs);
    if (ours.host !== null) expect(contractOf(ours.host)).toEqual(contractOfSsh(theirs.lines, question));
    return true;
  }
  if (ours.host !== null) throw new Error(`ssh refuses ${theirs.refused ?? "it"}, and we do not`);
  // ssh does not always say where; we may then.
  if (theirs.refused !== null) expect(ours.answer).toEqual(theirs);
  return false;
};
