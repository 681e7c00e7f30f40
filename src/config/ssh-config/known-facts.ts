/** What only the world outside of the configuration can tell. What is not known yet is asked for, see asked-facts.ts. */

/** What `${NAME}` stands for; a Map is one. */
export interface Variables {
  /** Undefined for a variable that is not set. */
  get(name: string): string | undefined;
}

/** Outcomes of `Match exec`. */
export interface Commands {
  /**
   * Whether the command line has exited with 0.
   * @param origin `FILE:LINE` of the criterion, for errors
   */
  succeeds(command: string, origin: string): boolean;
}

export type AddressFamily = "any" | "inet" | "inet6";

export interface FoundName {
  /** What the resolver says the name stands for; null when that is the name itself, or not known. */
  canonicalName: string | null;
}

/** Host names as the system's resolver knows them. */
export interface Names {
  /** Null when there is no such name. */
  lookUp(name: string, family: AddressFamily): FoundName | null;
}
