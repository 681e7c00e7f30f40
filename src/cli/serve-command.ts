/** The one command that is no operation: it is another face, and `main.ts` starts it. Here is only what the help says of it. */
export const serveCommand = {
  name: "serve",
  title: "Serve the same to AI agents, as MCP tools on stdin and stdout",
  description: "An MCP client starts it as a child process; it ends when its standard input does.",
} as const;
