/** Debian's stock sshd accepts `LC_*`, and nothing reads this one. Its value marks a command's processes, and a helper's own. */
export const tagVariable = "LC_SSH_MCP";
