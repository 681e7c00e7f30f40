/** A very large directory comes in pages, which the broker can hold; a person who asks for no page gets all of them. */
import type { Parsed } from "./parse.ts";

type Run = Extract<Parsed, { kind: "run" }>;

interface Page {
  entries: readonly unknown[];
  token: string | null;
}

/**
 * @param call asks, with these changes to the input
 * @returns what the call gives, with the entries of all pages
 */
export const allPages = async (
  { command, input }: Run,
  call: (changes: Run["input"]) => Promise<unknown>,
): Promise<unknown> => {
  const first = await call({});
  if (command.operation.name !== "list-directory" || input["limit"] !== undefined) return first;
  let page = first as Page;
  const entries = [...page.entries];
  while (page.token !== null) {
    page = (await call({ token: page.token })) as Page;
    for (const entry of page.entries) entries.push(entry);
  }
  return { ...page, entries };
};
