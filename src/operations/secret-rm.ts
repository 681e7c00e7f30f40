import * as v from "valibot";
import { escapeLine } from "../core/escape.ts";
import { defineOperation } from "../core/operation.ts";
import { account, secretFields, secretPlace } from "./secret-fields.ts";

const description = `Take the password of a server, or with --key the passphrase of a key, out of the keychain of this system: the next login asks for it again. Sessions that are open stay open.
It is no mistake when there was none.`;

export const secretRm = defineOperation({
  name: "secret-rm",
  command: "secret rm",
  tool: "ssh_secret_rm",
  faces: ["cli"],
  title: "Remove a password or passphrase from the keychain",
  description,
  advice: "",
  effect: "destructive",
  idempotent: true,
  // What it names is one; it connects to none.
  remote: true,
  input: v.strictObject(secretFields),
  output: v.object({ account, removed: v.pipe(v.boolean(), v.description("Whether there was one")) }),
  validate: () => [],
  positionals: ["target"],
  rest: null,
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async (input, context) => {
    const place = await secretPlace(input, context);
    return { account: place.account, removed: await place.forget() };
  },
  render: ({ account, removed }) =>
    removed
      ? `removed from the keychain: ${escapeLine(account)}`
      : `the keychain had nothing for ${escapeLine(account)}`,
});
