import * as v from "valibot";
import { type Become, isUserName } from "../core/command-form.ts";
import { SshMcpError } from "../core/errors.ts";
import { escapeLine, shown } from "../core/escape.ts";
import { defineOperation } from "../core/operation.ts";
import { dialRequest, sessionFields } from "./fields.ts";

const description = `Give the password that sudo or su asks for on a server, once for a session: it is typed at the terminal, unseen, or read from standard input, and tried on the server at once. The broker holds it in memory for this session alone, and wipes it when the session disconnects.
Agents that may use the session run commands with sudo then, and are never told the password. It goes to a program on that server: whoever can run commands there as the same user, an agent among them, can put another in its place, as at a terminal of yours.
Where none is wanted, nothing is asked; a wrong one is one try (AUTH_FAILED), and is not kept; what is held is wiped 12 hours later at the latest.`;

export const sudo = defineOperation({
  name: "sudo",
  command: "sudo",
  tool: "ssh_sudo",
  faces: ["cli"],
  title: "Give the password for sudo, for a session",
  description,
  advice: "",
  effect: "write",
  idempotent: false,
  remote: true,
  input: v.strictObject({
    target: v.pipe(v.string(), v.minLength(1), v.maxLength(1024), v.description("Name of the session")),
    user: v.optional(
      v.pipe(v.string(), v.minLength(1), v.maxLength(256), v.description("Whom commands are to run as (default root)")),
    ),
    become: v.optional(v.pipe(v.picklist(["su"]), v.description("With su, where there is no sudo"))),
    forget: v.optional(v.pipe(v.boolean(), v.description("Forget the password that is held"))),
  }),
  output: v.object({
    session: sessionFields.name,
    user: v.pipe(v.string(), v.description("Whom commands may run as")),
    held: v.pipe(v.boolean(), v.description("Whether a password is held now; false where none is wanted")),
    forgotten: v.pipe(v.boolean(), v.description("Whether one was forgotten")),
  }),
  validate: ({ user }) =>
    user === undefined || isUserName(user) ? [] : [{ field: "user", message: "is no name of a user" }],
  positionals: ["target"],
  rest: null,
  durations: [],
  target: "target",
  streams: "none",
  cliOnly: [],
  run: async ({ target, user = "root", become: by = "sudo" as const, forget = false }, context) => {
    const { sessions, caller } = context;
    // A password is for a session that is there, and not for whatever a name may lead to.
    if (!sessions.list(caller).some(({ name }) => name === target)) {
      throw new SshMcpError("SESSION_NOT_FOUND", `there is no session ${shown(target)}`, { hint: "ssh-mcp ls" });
    }
    const session = await sessions.use(dialRequest(target, {}, undefined), context);
    const become: Become = { by, user };
    const done = { session: session.info.name, user };
    if (forget) return { ...done, held: false, forgotten: session.relock(become) };
    return { ...done, held: await session.unlock(become, context), forgotten: false };
  },
  render: ({ session, user, held, forgotten }) => {
    const whom = escapeLine(user);
    if (forgotten) return `forgotten: commands on ${session} as ${whom} need the password again`;
    return held
      ? `held for ${session}: commands may run as ${whom}`
      : `no password is held for ${session} and ${whom}: there was none, or none is wanted`;
  },
});
