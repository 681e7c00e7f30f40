import { cipher, loginShell, roundTripMs } from "./fixture.ts";
import type { Row } from "./row.ts";
import { renderTable } from "./table.ts";

/** The table, with what it was measured on and what its columns mean. */
export const renderReport = (rows: readonly Row[], environment: readonly string[], quick: boolean): string => {
  const facts = [
    ...environment,
    `server: sshd on 127.0.0.1 with ${cipher} alone; a user whose login shell is ${loginShell}, so that the shell's start hides nothing`,
    `far away: a proxy that delays both ways, ${roundTripMs} ms a round trip`,
    `mode: ${quick ? "quick" : "full"}`,
  ];
  return `# Benchmark

Written by \`bun run bench\`. The two sides of a row are measured in turn, A B A B, in one run: trust the ratios; absolute times are this machine's.

${facts.map((fact) => `- ${fact}`).join("\n")}

${renderTable(rows)}

- Figures are medians, then the 95th percentile and the range. Round trips are means, then the range and the median time; the opening of the TCP
  connection is neither delayed nor counted. \`ssh\` and \`ssh-mcp\` read the same ssh_config, known_hosts and key, without an agent.
- Warm: a broker runs, and the session is live. Cold: a broker runs, without a session. First: no broker runs. Every row has a broker of its own, with
  its own SSH_MCP_DIR; all of them have ended when the run is over.
- Memory is RssAnon of proc(5), in units of 1000, some seconds after the last call. Per connection: what each one after the first added, each with one
  command run. Growth: the most during the command, beyond what it was before its first byte.
`;
};
