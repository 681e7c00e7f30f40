/** What happened while nobody was there, for the next person who is. */
import { escapeLine } from "../../core/escape.ts";
import type { LoadedRecords } from "../../store/session-store.ts";
import type { Dispatch } from "./dispatch.ts";

/** More than anybody reads at once. */
const toldAtOnce = 8;

/** Tells the first call of the command line, beside its result, once. A model could do nothing about it. */
export const withNews = (news: readonly string[], dispatch: Dispatch): Dispatch => {
  let untold = shortened(news);
  return (request, io) => {
    if (request.caller.face === "cli") {
      for (const line of untold) io.notice(line);
      untold = [];
    }
    return dispatch(request, io);
  };
};

const shortened = (news: readonly string[]): string[] => {
  const more = news.length - toldAtOnce;
  return more <= 0 ? [...news] : [...news.slice(0, toldAtOnce), `and ${more} more of that kind`];
};

/** What is wrong with session files, in lines. @param directory where they are */
export const problemLines = (problems: LoadedRecords["problems"], directory: string): string[] =>
  problems.map(({ file, what }) => `${escapeLine(directory)}${file === "" ? "" : `/${file}`} ${what}`);
