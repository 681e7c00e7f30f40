import { version } from "../../package.json";

/** The release, as `--version`, the broker's hello and MCP's serverInfo give it. */
export const release: string = version;
