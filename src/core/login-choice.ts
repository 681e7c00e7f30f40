/**
 * `--auth`: which kind of login a person wants. It is written as ssh_config options, so that a session's identity, its record, and the command
 * that opens it again all have it without knowing of it.
 */
export const loginChoices = ["auto", "agent", "key", "password"] as const;
export type LoginChoice = (typeof loginChoices)[number];

const keysAlone = "PreferredAuthentications=publickey";
const noFiles = "IdentityFile=none";

const options: Readonly<Record<LoginChoice, readonly string[]>> = {
  auto: [],
  agent: [keysAlone, noFiles],
  key: [keysAlone, "IdentityAgent=none"],
  password: ["PreferredAuthentications=keyboard-interactive,password"],
};

/** The options that stand for a choice, before all others: the first value of an option wins. */
export const choiceOptions = (choice: LoginChoice): readonly string[] => options[choice];

/** Whether an option, as a choice writes it, leaves out kinds of logins that need nobody but a person. */
export const isNarrowing = (option: string): boolean => [...options.agent, ...options.key].includes(option);

/**
 * Whether only keys of the agent are to sign: with `none` ssh(1) leaves out the default files, and uses those of its configuration. Files still
 * say which of the agent's keys come first.
 */
export const usesAgentAlone = (given: readonly string[]): boolean =>
  options.agent.every((each) => given.includes(each));
