import type { CommandRequest } from "../../core/command.ts";
import { type CommandForm, plainForm } from "../../core/command-form.ts";
import { BecomePrologue } from "./become.ts";
import { bootstrapLine } from "./bootstrap.ts";
import { BootstrapPrologue } from "./bootstrap-prologue.ts";
import type { CommandSetup } from "./command-setup.ts";
import { powershellLine, powershellProgram, powershellWords } from "./powershell.ts";
import { programOf } from "./program.ts";
import type { PreparedCommand } from "./prologue.ts";
import { quietModes } from "./terminal-input.ts";

/**
 * What is sent for a command: a plain one as it stands.
 * @param longest bytes that the server takes as a command line
 */
export const prepareCommand = (request: CommandRequest, setup: CommandSetup, longest: number): PreparedCommand => {
  const { command, form = plainForm } = request;
  const input = form.pty && setup.terminal !== null ? { isTyped: true as const } : {};
  switch (form.interpreter) {
    case "none":
      return { line: command, prologue: null, environment: [], isBare: true, ...input };
    case "cmd":
      // With /s the quotes around the line are taken off, and none within it are looked at.
      return { line: `cmd /d /s /c "${command}"`, prologue: null, ...input };
    case "powershell": {
      const script = form.argv === undefined ? command : powershellWords(form.argv);
      return { line: powershellLine, prologue: new BootstrapPrologue(powershellProgram(script, form)) };
    }
    default:
  }
  if (isPlain(form) && Buffer.byteLength(command) <= longest) return { line: command, prologue: null, ...input };
  const { terminal, password = null } = setup;
  const begun = new BootstrapPrologue(programOf(request, terminal !== null));
  const become = form.become === null ? null : new BecomePrologue(form.become, password, begun);
  const prepared = { line: bootstrapLine, prologue: become ?? begun, ...(become === null ? {} : { become }) };
  if (terminal === null) return prepared;
  return { ...prepared, terminal: { ...terminal, modes: quietModes }, ...input };
};

const isPlain = ({ cwd, env, interpreter, become, argv = [] }: CommandForm): boolean =>
  cwd === null &&
  interpreter === null &&
  become === null &&
  Object.keys(env).length === 0 &&
  !argv.some(isReadDifferently);

/** Within single quotes, fish reads backslashes, and csh `!` and the end of a line. */
const isReadDifferently = (word: string): boolean => /[\\!\n]/.test(word);
