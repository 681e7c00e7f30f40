/** What people read of `exec` in `--help`; a model has its fields' short descriptions, and tries. */

export const execManual = `The target is a session's name (ls lists them) or a destination, opened first; a,b and @group run on several hosts at once. The command line goes byte for byte to the login shell; each call starts afresh, so cd and export do not last, unless it runs in a lasting shell by its name.
Out of time, it is stopped on the server with all it started, and the answer says whether that is confirmed. A connection lost after the command was sent is OUTCOME_UNKNOWN: look before you run it again; nothing is repeated.
With a directory, variables, input of its own, a terminal, an interpreter or another user it is still the login shell that runs the command; none of their values is in a process list on the server. A directory that is not there is NOT_FOUND, and nothing was run.`;

export const execHelp = {
  target: "A session's name, or a destination: a Host alias of ssh_config, [user@]host[:port]; several: a,b or @group",
  command: "Command line for the login shell",
  cwd: "Directory to run it in",
  env: "A variable for it; NAME alone takes its value from here",
  stdin: "Text that it reads as its input, instead of standard input",
  stdinBase64: "The same, of any bytes",
  timeout: "How long it may run (default: no limit)",
  idleTimeout: "How long it may print nothing",
  onTimeout: "When its time is over, let it go on as a job",
  pty: "Give it a terminal: this one, where there is one",
  interpreter: "What reads the command instead of the login shell; none for devices without a shell",
  shell:
    "Run it in the lasting shell of this name, where cd and export stay; its input is empty, and standard input is left alone",
  sudo: "Run all of it as root, or as the user behind =",
  become: "Go through su instead of sudo",
  maxOutput: "With --json, the bytes to keep of each stream (default 1 MiB)",
};
