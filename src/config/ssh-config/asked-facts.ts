/**
 * Resolving ssh_config where what it depends on has to be asked for: variables of the caller's environment, outcomes of `Match exec`, names that
 * the resolver knows. Resolution itself stays pure: it is done again and again, each time with more that is known.
 */
import { SshMcpError } from "../../core/errors.ts";
import type { AddressFamily, Commands, FoundName, Names, Variables } from "./known-facts.ts";

/** Who is asked. */
export interface FactSource {
  /** Values by name; names that are not set are absent. */
  variables(names: readonly string[]): Promise<Readonly<Record<string, string>>>;
  /** Runs a command line. @param origin who wants it, for errors */
  succeeds(command: string, origin: string): Promise<boolean>;
  lookUp(name: string, family: AddressFamily): Promise<FoundName | null>;
}

/** What a resolution may ask for. What is not known lets it end, or go on with a made-up value. */
export interface KnownFacts {
  variables: Variables;
  commands: Commands;
  names: Names;
}

/** A value may lead to a place that refers to further names; nobody nests them deeper. */
const variableRounds = 8;

/** What the last round could not do without. */
interface Missing {
  variables: Set<string>;
  /** Finds out the first thing that no made-up value can stand for. */
  step: (() => Promise<void>) | null;
  /** Whether the round has come to its end, and nothing more is asked for it. */
  isOver: boolean;
}

/** The facts of one caller, each asked for once. */
export class AskedFacts {
  readonly #source: FactSource;
  readonly #variables = new Map<string, string | undefined>();
  readonly #outcomes = new Map<string, boolean>();
  readonly #found = new Map<string, FoundName | null>();

  constructor(source: FactSource) {
    this.#source = source;
  }

  /** What was found out so far. Another variable is not set; another command, or name, is UNSUPPORTED. */
  get known(): KnownFacts {
    return this.#facts(null);
  }

  /**
   * Resolves, asks for what came up, and resolves again. What is resolved while something is missing is thrown away, its errors too. A command
   * is run, and a name looked up, when everything that ssh would know at that point is known: nothing is run on a made-up value.
   * @param work pure but for reading files; called once per round. What it keeps of the facts tells afterwards what `known` does
   * @throws whatever `work` and the source throw
   */
  async resolve<T>(work: (facts: KnownFacts) => T): Promise<T> {
    for (let asked = 0; asked <= variableRounds; ) {
      const missing: Missing = { variables: new Set(), step: null, isOver: false };
      const result = attempt(() => work(this.#facts(missing)));
      missing.isOver = true;
      if (missing.variables.size > 0) {
        asked++;
        const values = new Map(Object.entries(await this.#source.variables([...missing.variables])));
        for (const name of missing.variables) this.#variables.set(name, values.get(name));
      } else if (missing.step !== null) {
        await missing.step();
      } else {
        return result();
      }
    }
    return work(this.known);
  }

  #facts(missing: Missing | null): KnownFacts {
    const stop = (step: () => Promise<void>): SshMcpError => {
      if (missing !== null && !missing.isOver) missing.step ??= step;
      return unknown();
    };
    return {
      variables: {
        get: (name) => {
          if (missing === null || missing.isOver || this.#variables.has(name)) return this.#variables.get(name);
          missing.variables.add(name);
          // Any text lets the resolution go on, so that one round finds all names.
          return "x";
        },
      },
      commands: {
        succeeds: (command, origin) => {
          const outcome = this.#outcomes.get(command);
          if (outcome !== undefined) return outcome;
          throw stop(async () => {
            this.#outcomes.set(command, await this.#source.succeeds(command, origin));
          });
        },
      },
      names: {
        lookUp: (name, family) => {
          const key = `${family} ${name}`;
          const found = this.#found.get(key);
          if (found !== undefined) return found;
          throw stop(async () => {
            this.#found.set(key, await this.#source.lookUp(name, family));
          });
        },
      },
    };
  }
}

/** Ends a resolution that can go no further. */
const unknown = (): SshMcpError =>
  new SshMcpError("UNSUPPORTED", "what ssh_config says depends on what is not known here", { hint: "man ssh_config" });

/** The outcome of `work`, to be looked at later. */
const attempt = <T>(work: () => T): (() => T) => {
  try {
    const value = work();
    return () => value;
  } catch (error) {
    return () => {
      throw error;
    };
  }
};
