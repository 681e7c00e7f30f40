import type { Caller } from "../../core/operation.ts";
import type { Outputs } from "../../core/outputs.ts";
import type { KeptOutput, OutputStore } from "./output-store.ts";
import { readPage } from "./read-page.ts";

/**
 * The kept outputs for one call.
 * @param own what is kept of the call itself; null when nothing is
 */
export const outputsOf = (
  store: OutputStore,
  caller: Caller,
  signal: AbortSignal,
  own: KeptOutput | null = null,
): Outputs => ({
  read: async (request) => await readPage(store.find(request.id, caller), request, caller, signal),
  last: (session, ageMs) => store.last(session, ageMs, caller),
  ranOn: (session) => {
    if (own !== null) store.ranOn(own, session);
  },
});
