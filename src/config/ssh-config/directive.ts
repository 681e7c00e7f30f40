import type { ConfigLine } from "./files/lexer.ts";
import type { Origin } from "./origin.ts";

/** A line of ssh_config(5) that sets something, from a file or the request. */
export interface Directive extends ConfigLine {
  kind: "directive";
  origin: Origin;
}
