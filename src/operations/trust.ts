import * as v from "valibot";
import { escapeLine } from "../core/escape.ts";
import type { ShownHostKey, TrustedHost } from "../core/host-keys.ts";
import { defineOperation } from "../core/operation.ts";
import { count, destination, dialFields, dialRequest, timeoutSeconds } from "./fields.ts";

const description = `Show a server's host keys, with fingerprint and picture, and record those that you accept in known_hosts.
Nothing is logged in to but the jump hosts on the way. A key that has changed or is revoked is refused (HOST_KEY_CHANGED, HOST_KEY_REVOKED), and is never replaced.`;

/** How to get there; nothing is said of a login, because there is none. */
const { user, port, jump, configFile, options } = dialFields;

/** The person's way to trust a server; a model has none. */
export const trust = defineOperation({
  name: "trust",
  command: "trust",
  tool: "ssh_trust",
  faces: ["cli"],
  title: "Look at a server's host keys, and record them",
  description,
  advice: "",
  effect: "write",
  idempotent: true,
  remote: true,
  input: v.strictObject({
    destination,
    fingerprint: v.optional(
      v.pipe(
        v.string(),
        v.regex(/^SHA256:[A-Za-z0-9+/]{43}$/, "must be SHA256: and 43 characters, as ssh-keygen -l prints it"),
        v.description("Record the key that has this one, SHA256:…, and no other, without a question"),
      ),
    ),
    timeout: v.optional(timeoutSeconds("Seconds for each key (default 15)")),
    ...{ user, port, jump, configFile, options },
  }),
  output: v.object({
    host: v.pipe(v.string(), v.description("Host that was dialled")),
    port: v.pipe(count, v.description("Port that was dialled")),
    name: v.pipe(v.string(), v.description("What known_hosts calls it")),
    keys: v.pipe(
      v.array(
        v.object({
          type: v.pipe(v.string(), v.description("Type of the key, as ssh-ed25519")),
          bits: v.pipe(count, v.description("Its size")),
          fingerprint: v.pipe(v.string(), v.description("SHA256:…")),
          randomart: v.pipe(v.string(), v.description("The picture that ssh-keygen -lv draws")),
          state: v.pipe(
            v.picklist(["known", "recorded", "left"]),
            v.description("known: before this call; recorded: from now on; left: not accepted"),
          ),
          by: v.pipe(v.nullable(v.string()), v.description("FILE:LINE where it was known")),
        }),
      ),
      v.description("Its host keys"),
    ),
    file: v.pipe(v.nullable(v.string()), v.description("Where keys were recorded; null when none were")),
  }),
  validate: () => [],
  positionals: ["destination"],
  rest: null,
  durations: ["timeout"],
  target: "destination",
  streams: "none",
  cliOnly: [],
  run: async (input, context) => {
    context.progress(`looking at the host keys of ${input.destination}`);
    const request = dialRequest(input.destination, input, input.timeout);
    return await context.sessions.hostKeys.trust(request, input.fingerprint ?? null, context);
  },
  render: ({ host, port, name, keys, file }) =>
    [
      `host keys of ${escapeLine(host)} port ${port}, which is ${escapeLine(name)} in known_hosts:`,
      ...keys.flatMap((key) => [`${key.type} ${key.bits} ${key.fingerprint}, ${stateText(key, file)}`, key.randomart]),
    ].join("\n"),
});

const stateText = ({ state, by }: ShownHostKey, file: TrustedHost["file"]): string => {
  if (state === "known") return by === null ? "known" : `known (${escapeLine(by)})`;
  if (state === "left") return "not recorded";
  return file === null
    ? "accepted, and not recorded: there is no UserKnownHostsFile"
    : `recorded in ${escapeLine(file)}`;
};
