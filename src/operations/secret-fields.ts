/** What the operations on kept secrets have in common. */
import * as v from "valibot";
import type { CallScope } from "../core/call-scope.ts";
import type { SecretPlace } from "../core/secrets.ts";
import type { Sessions } from "../core/session.ts";
import { dialFields, dialRequest } from "./fields.ts";

const { user, port, configFile, options } = dialFields;

export const secretFields = {
  target: v.pipe(
    v.string(),
    v.minLength(1),
    v.maxLength(4096),
    v.description("Whose password: a session's name or a destination; with key, the file of the key"),
  ),
  key: v.optional(v.pipe(v.boolean(), v.description("It is the passphrase of a key file"))),
  ...{ user, port, configFile, options },
};

type Input = v.InferOutput<v.StrictObjectSchema<typeof secretFields, undefined>>;

export const secretPlace = (
  { target, key, ...input }: Input,
  context: CallScope & { sessions: Sessions },
): Promise<SecretPlace> => {
  const of = key === true ? { keyFile: target } : dialRequest(target, input, undefined);
  return context.sessions.secrets.place(of, context);
};

export const account = v.pipe(v.string(), v.description("What the keychain files it under, for the service ssh-mcp"));
