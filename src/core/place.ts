import type { Caller } from "./operation.ts";

/** What a process says of where it stands: `process` itself is one. */
export interface Standing {
  /** Throws when the directory is gone. */
  cwd(): string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** The part of a caller that its process decides. An empty SSH_AUTH_SOCK is none, as for ssh. */
export const placeOf = (process: Standing): Pick<Caller, "cwd" | "agentSocket" | "locale"> => ({
  cwd: directoryOf(process),
  agentSocket: process.env["SSH_AUTH_SOCK"] || null,
  ...localeOf(process.env),
});

const localeOf = (env: Standing["env"]): Pick<Caller, "locale"> => {
  const locale: Record<string, string> = {};
  // On the way of every command: no value is read but these.
  for (const name of Object.keys(env).filter(isLocale)) {
    const value = env[name];
    if (value !== undefined) locale[name] = value;
  }
  return Object.keys(locale).length === 0 ? {} : { locale };
};

/** Whether a variable is among those that travel with every call. */
export const isLocale = (name: string): boolean => name === "LANG" || name.startsWith("LC_");

const directoryOf = (process: Standing): string => {
  try {
    return process.cwd();
  } catch {
    // It was removed while somebody stood in it.
    return "/";
  }
};
