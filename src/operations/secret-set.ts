import * as v from "valibot";
import { SshMcpError } from "../core/errors.ts";
import { escapeLine } from "../core/escape.ts";
import { type Context, defineOperation } from "../core/operation.ts";
import type { SecretPlace } from "../core/secrets.ts";
import { account, secretFields, secretPlace } from "./secret-fields.ts";

const description = `Keep the password of a server, or with --key the passphrase of a key, in the keychain of this system: later logins take it from there, agents' as well, and ask nobody.
It is typed at the terminal, unseen, or read from standard input when that is no terminal; it is never a word of the command. Where there is no keychain nothing is kept (UNSUPPORTED).`;

/** Characters; what is longer is no password but a file by mistake. */
const longest = 4096;

export const secretSet = defineOperation({
  name: "secret-set",
  command: "secret set",
  tool: "ssh_secret_set",
  faces: ["cli"],
  title: "Keep a password or passphrase in the keychain",
  description,
  advice: "",
  effect: "write",
  idempotent: true,
  // What it names is one; it connects to none.
  remote: true,
  input: v.strictObject(secretFields),
  output: v.object({ account }),
  validate: () => [],
  positionals: ["target"],
  rest: null,
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async (input, context) => {
    const place = await secretPlace(input, context);
    await place.mayKeep();
    await place.keep(checked(await asked(place, context)));
    return { account: place.account };
  },
  render: (output) => `kept in the keychain: ${escapeLine(output.account)}`,
});

const asked = async ({ account, what }: SecretPlace, context: Context): Promise<string> => {
  const hint = "pass show NAME | ssh-mcp secret set TARGET";
  if (!context.asks) {
    throw new SshMcpError(
      "AUTH_REQUIRED",
      "there is neither a terminal to type the secret at nor input to read it from",
      {
        hint,
      },
    );
  }
  const question = { kind: "password", text: `Enter ${what}: `, echo: false, destination: account } as const;
  try {
    return await context.ask({ ...question, wanted: what, connectCommand: hint });
  } catch (error) {
    if (!(error instanceof SshMcpError) || error.code !== "AUTH_REQUIRED") throw error;
    throw new SshMcpError("AUTH_REQUIRED", `nobody typed ${what}; nothing was kept`, { hint });
  }
};

/** @throws SshMcpError INVALID_INPUT */
const checked = (secret: string): string => {
  const why =
    secret === ""
      ? "it is empty"
      : secret.length > longest
        ? `it has over ${longest} characters`
        : /[\0\n]/.test(secret)
          ? "it has more than one line, or a NUL byte"
          : null;
  if (why === null) return secret;
  throw new SshMcpError("INVALID_INPUT", `that is no password or passphrase: ${why}; nothing was kept`, {
    hint: "ssh-mcp secret set --help",
  });
};
