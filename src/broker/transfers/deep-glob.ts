/** Patterns whose `**` goes on over slashes, where `*`, `?` and `[…]` do not; behind a backslash stands what is meant itself. */
import { bracketAt } from "./bracket.ts";

/** Where in a pattern a text may be: all places are followed at once, so that no pattern takes more than pattern times text. */
type Places = Set<number>;

/**
 * Whether the whole text matches. `**` is any characters, and `**` with a slash behind it, at the beginning or after a slash, any number of folders, and none.
 */
export const matchDeepGlob = (text: string, pattern: string): boolean => {
  const steps = stepsOf(pattern);
  let places: Places = new Set();
  enter(places, steps, 0);
  for (const character of text) {
    const next: Places = new Set();
    for (const at of places) {
      const step = steps[at];
      if (step === undefined) continue;
      if (step === "folders") {
        next.add(at);
        if (character === "/") enter(next, steps, at + 1);
      } else if (step === "any") enter(next, steps, at);
      else if (step === "name" || step === "one") {
        if (character !== "/") enter(next, steps, step === "name" ? at : at + 1);
      } else if ("is" in step ? step.is === character : character !== "/" && step.has(character))
        enter(next, steps, at + 1);
    }
    places = next;
  }
  return places.has(steps.length);
};

/** What may stand at a place; `folders` ends with its slash. */
type Step = "any" | "name" | "one" | "folders" | { is: string } | { has: (character: string) => boolean };

/** Adds a place, and those that are reached from it without a character. */
const enter = (places: Places, steps: readonly Step[], at: number): void => {
  for (let place = at; ; place++) {
    places.add(place);
    const step = steps[place];
    if (step !== "any" && step !== "name" && step !== "folders") return;
  }
};

const stepsOf = (pattern: string): Step[] => {
  const steps: Step[] = [];
  for (let at = 0; at < pattern.length; ) {
    const rest = pattern.slice(at);
    const stars = /^\*+/.exec(rest)?.[0].length ?? 0;
    const bracket = bracketAt(rest);
    const isFolders = stars === 2 && rest[2] === "/" && (at === 0 || pattern[at - 1] === "/");
    const escaped = /^\\([\s\S])/u.exec(rest)?.[1];
    const character = String.fromCodePoint(rest.codePointAt(0) ?? 0);
    if (isFolders) steps.push("folders");
    else if (stars > 0) steps.push(stars === 1 ? "name" : "any");
    else if (bracket !== null) steps.push({ has: bracket.has });
    else steps.push(character === "?" ? "one" : { is: escaped ?? character });
    at += isFolders ? 3 : stars || (bracket?.length ?? (escaped === undefined ? character.length : escaped.length + 1));
  }
  return steps;
};
