/** Input fields that several operations share, with the one wording for `--help` and tool schemas. */
import * as v from "valibot";
import type { DialRequest } from "../core/dial-request.ts";
import { jumpOption } from "../core/jump.ts";
import { choiceOptions, type LoginChoice, loginChoices } from "../core/login-choice.ts";
import { sessionStates } from "../core/session.ts";

/** A day: long enough for any login or command a caller waits for, and far below the limit of timers. */
const longestWaitSeconds = 24 * 60 * 60;
const waitRange = "must be more than 0 seconds and at most a day";
const portRange = "must be a whole number from 1 to 65535";

export const destination = v.pipe(
  v.string(),
  v.minLength(1),
  v.maxLength(1024),
  v.description("A Host alias of ssh_config, [user@]host[:port], or ssh://[user@]host[:port]"),
);

export const timeoutSeconds = (description: string) =>
  v.pipe(v.number(), v.gtValue(0, waitRange), v.maxValue(longestWaitSeconds, waitRange), v.description(description));

/** How to reach the server, as ssh(1) takes it: `-l -p -i -J -F -o`. */
export const dialFields = {
  user: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(256), v.description("Login name"))),
  port: v.optional(
    v.pipe(
      v.number(),
      v.integer(portRange),
      v.minValue(1, portRange),
      v.maxValue(65535, portRange),
      v.description("Server port"),
    ),
  ),
  identityFile: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.minLength(1), v.maxLength(4096))),
      v.maxLength(32),
      v.description("Private key files to try first"),
    ),
  ),
  jump: v.optional(
    v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(4096),
      v.description("Jump hosts on the way, in order: [user@]host[:port],…"),
    ),
  ),
  auth: v.optional(
    v.pipe(
      v.picklist(loginChoices),
      v.description(
        "How to log in: with keys of the agent alone, keys in files alone, or what a person types; auto tries all",
      ),
    ),
  ),
  configFile: v.optional(
    v.pipe(
      v.string(),
      v.minLength(1),
      v.maxLength(4096),
      v.description("ssh_config file to read instead of the usual ones; none reads none"),
    ),
  ),
  options: v.optional(
    v.pipe(
      v.array(v.pipe(v.string(), v.maxLength(4096))),
      v.maxLength(64),
      v.description("ssh_config option as Keyword=value; wins over every file"),
    ),
  ),
};

interface DialInput {
  user?: string | undefined;
  port?: number | undefined;
  identityFile?: string[] | undefined;
  jump?: string | undefined;
  auth?: LoginChoice | undefined;
  configFile?: string | undefined;
  options?: string[] | undefined;
}

/**
 * @param timeout limit for the login in seconds; undefined is the default of the connection
 * @throws SshMcpError INVALID_INPUT for a jump host that is no destination
 */
export const dialRequest = (target: string, input: DialInput, timeout: number | undefined): DialRequest => ({
  destination: target,
  user: input.user ?? null,
  port: input.port ?? null,
  identityFiles: input.identityFile ?? [],
  configFile: input.configFile ?? null,
  options: [
    ...(input.jump === undefined ? [] : [jumpOption(input.jump)]),
    ...choiceOptions(input.auth ?? "auto"),
    ...(input.options ?? []),
  ],
  timeoutMs: timeout === undefined ? null : Math.round(timeout * 1000),
});

/** ISO-8601, UTC. */
export const timestamp = v.pipe(v.string(), v.isoTimestamp());
export const count = v.pipe(v.number(), v.integer(), v.minValue(0));

/** What every operation that shows a session says of it. */
export const sessionFields = {
  name: v.pipe(v.string(), v.description("Name of the session")),
  destination: v.pipe(v.string(), v.description("The destination as it was given")),
  host: v.pipe(v.string(), v.description("Host that was dialled")),
  port: v.pipe(count, v.description("Port that was dialled")),
  user: v.pipe(v.string(), v.description("Login name on the server")),
  state: v.pipe(
    v.picklist(sessionStates),
    v.description(
      "live: connected; cached: the next use connects; lost: the connection dropped, or could not be opened again",
    ),
  ),
  title: v.pipe(v.nullable(v.string()), v.description("What it is for; null when nobody said")),
};
