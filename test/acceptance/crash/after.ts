/** What must hold for other processes once a broker was killed. */
import { expect } from "bun:test";
import type { Login } from "./logins.ts";

/**
 * Another process runs a command on the session: with a key or an agent it simply works; a password has to be typed once more,
 * as the hint says, and then it works for everybody.
 */
export const worksOn = async (login: Login, target: string): Promise<void> => {
  if (login.name === "password") {
    const refused = await login.run(["exec", target, "echo in"]);
    expect(refused).toMatchObject({ status: 255, stdout: "" });
    await login.typed(hintIn(login, refused.stderr));
  }
  expect(await login.run(["exec", target, "echo in"])).toMatchObject({ status: 0, stdout: "in\n", stderr: "" });
};

/** The command that the last line of a message says to type: it names the destination, and beside it at most the session's name. */
export const hintIn = (login: Login, message: string): string => {
  const line = /\[AUTH_REQUIRED\]\n {2}try: (.*)\n$/.exec(message)?.[1] ?? message;
  expect(line.replace(/ --name \S+/, "")).toBe(`ssh-mcp connect ${login.at}`);
  return line;
};

/** The session is there, with its record alone; nobody has used it since the crash. */
export const isCached = async (login: Login): Promise<void> => {
  expect(await login.sessions()).toMatchObject([
    { name: "web", destination: login.at, state: "cached", running: 0, needsPerson: login.name === "password" },
  ]);
};

/** `web` is live, and the only session. */
export const isLive = async (login: Login): Promise<void> => {
  expect(await login.sessions()).toMatchObject([{ name: "web", destination: login.at, state: "live" }]);
};
