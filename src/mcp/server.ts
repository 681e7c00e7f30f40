import { Server } from "@modelcontextprotocol/sdk/server/index.js";
import type { RequestHandlerExtra } from "@modelcontextprotocol/sdk/shared/protocol.js";
import {
  type CallToolRequest,
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  type Implementation,
  ListResourcesRequestSchema,
  ListResourceTemplatesRequestSchema,
  ListToolsRequestSchema,
  type ListToolsResult,
  ReadResourceRequestSchema,
  type ServerNotification,
  type ServerRequest,
  SubscribeRequestSchema,
  UnsubscribeRequestSchema,
} from "@modelcontextprotocol/sdk/types.js";
import { escapeLine } from "../core/escape.ts";
import type { Caller } from "../core/operation.ts";
import { release } from "../core/version.ts";
import { type CallClient, callTool, type ToolCall } from "./call.ts";
import { instructions } from "./instructions.ts";
import { JobResources, jobTemplate } from "./job-resources.ts";
import { LocalRoots } from "./local-roots.ts";
import { defaultProgressIntervalMs, ProgressReporter } from "./progress.ts";
import { RunningCalls } from "./running-calls.ts";
import { type ServeSettings, usualSettings } from "./serve-options.ts";

export interface AgentServerOptions {
  /** The directory relative local paths are meant from. */
  cwd: string;
  agentSocket: string | null;
  /** See `Caller`. */
  locale?: Readonly<Record<string, string>>;
  /** The variables of this process; the broker asks for those that ssh_config refers to. */
  environment: ToolCall["environment"];
  progressIntervalMs?: number;
  /** What a person allows beyond what the client says. */
  settings?: ServeSettings;
}

type Extra = RequestHandlerExtra<ServerRequest, ServerNotification>;

/** The operations as MCP tools, for one client. */
export class AgentServer {
  /** To be connected to a transport. */
  readonly server: Server;
  readonly #client: CallClient;
  readonly #options: AgentServerOptions;
  readonly #running = new RunningCalls();
  readonly #roots: LocalRoots;
  readonly #jobs = new JobResources(
    (input, signal) => this.#running.run(signal, (stop) => this.#askStatus(input, stop)),
    (uri) => void this.server.sendResourceUpdated({ uri }).catch(() => undefined),
  );

  constructor(client: CallClient, options: AgentServerOptions) {
    this.#client = client;
    this.#options = options;
    this.server = new Server(
      { name: "ssh-mcp", title: "SSH", version: release },
      // The SDK's own validator serves elicitation, which is not used, and costs start-up.
      {
        capabilities: { tools: {}, resources: { subscribe: true, listChanged: true } },
        instructions,
        jsonSchemaValidator: { getValidator: noValidator },
      },
    );
    this.#roots = new LocalRoots(this.server, options.settings ?? usualSettings);
    this.server.setRequestHandler(ListToolsRequestSchema, ({ params }) => this.#list(params?.cursor));
    this.server.setRequestHandler(CallToolRequestSchema, ({ params }, extra) => this.#call(params, extra));
    this.#serveJobs();
    // The schemas are not needed for the first answer, but soon after it.
    this.server.oninitialized = () => void loadTools();
  }

  /** Cancels what runs and resolves when all of it has ended; later calls are canceled at once. */
  stop(): Promise<void> {
    this.#jobs.stop();
    return this.#running.stop();
  }

  async #list(cursor: string | undefined): Promise<ListToolsResult> {
    this.#peer();
    // Everything fits one page, so no cursor is one of ours ("Pagination", "Error Handling").
    if (cursor) throw new ProtocolError(ErrorCode.InvalidParams, "Invalid cursor: the list has one page");
    const { tools } = await loadTools();
    return { tools: [...tools] };
  }

  async #call({ name, arguments: input = {} }: CallToolRequest["params"], extra: Extra): Promise<CallToolResult> {
    const caller = this.#caller();
    const { operationOf, tools } = await loadTools();
    const operation = operationOf(name);
    // A protocol error, as MCP 2025-11-25 has it ("Tools", "Error Handling"); it names the tools for the models that see it.
    if (operation === undefined) {
      const known = tools.map((tool) => tool.name).join(", ");
      throw new ProtocolError(
        ErrorCode.InvalidParams,
        `Unknown tool: ${escapeLine(name.slice(0, 128))}; there are ${known}`,
      );
    }
    const progress = this.#report(extra);
    const { environment } = this.#options;
    const onProgress = progress === null ? null : (message: string) => progress.say(message);
    try {
      const answer = await this.#running.run(extra.signal, (signal) =>
        callTool(this.#client, {
          ...{ operation, input, caller, signal, onProgress, environment },
          local: () => this.#roots.policy(operation, input),
        }),
      );
      if (this.#jobs.note(answer)) void this.server.sendResourceListChanged().catch(() => undefined);
      return answer;
    } finally {
      progress?.stop();
    }
  }

  #serveJobs(): void {
    const mustBeJob = (uri: string): ProtocolError =>
      // MCP 2025-11-25, "Resources", "Error Handling".
      new ProtocolError(-32002, `Resource not found: ${escapeLine(uri.slice(0, 256))}`);
    this.server.setRequestHandler(ListResourcesRequestSchema, () => ({ resources: this.#jobs.list() }));
    this.server.setRequestHandler(ListResourceTemplatesRequestSchema, () => ({ resourceTemplates: [jobTemplate] }));
    this.server.setRequestHandler(ReadResourceRequestSchema, async ({ params: { uri } }, { signal }) => {
      const text = await this.#jobs.read(uri, signal);
      if (text === null) throw mustBeJob(uri);
      return { contents: [{ uri, mimeType: "text/plain", text }] };
    });
    this.server.setRequestHandler(SubscribeRequestSchema, ({ params: { uri } }) => {
      if (!this.#jobs.subscribe(uri)) throw mustBeJob(uri);
      return {};
    });
    this.server.setRequestHandler(UnsubscribeRequestSchema, ({ params: { uri } }) => {
      this.#jobs.unsubscribe(uri);
      return {};
    });
  }

  async #askStatus(input: Record<string, unknown>, signal: AbortSignal): Promise<CallToolResult> {
    const { operationOf } = await loadTools();
    const operation = operationOf("ssh_job_status");
    if (operation === undefined) throw new Error("there is no ssh_job_status");
    const { environment } = this.#options;
    return await callTool(this.#client, {
      operation,
      input,
      caller: this.#caller(),
      signal,
      onProgress: null,
      environment,
      local: () => this.#roots.policy(operation, input),
    });
  }

  #report(extra: Extra): ProgressReporter | null {
    const progressToken = extra._meta?.progressToken;
    if (progressToken === undefined) return null;
    return new ProgressReporter(
      (progress) =>
        extra.sendNotification({ method: "notifications/progress", params: { progressToken, ...progress } }),
      this.#options.progressIntervalMs ?? defaultProgressIntervalMs,
    );
  }

  #caller(): Caller {
    const { cwd, agentSocket, locale = {} } = this.#options;
    return { face: "mcp", client: clientLabel(this.#peer()), cwd, agentSocket, locale };
  }

  /** "The initialization phase MUST be the first interaction" (MCP 2025-11-25, "Lifecycle"): sessions belong to named clients. */
  #peer(): Implementation {
    const peer = this.server.getClientVersion();
    if (peer === undefined) throw new ProtocolError(ErrorCode.InvalidRequest, "Invalid request: send initialize first");
    return peer;
  }
}

/** Who calls, as lists of sessions and the audit log show it. The client says what it likes, so it is cut and escaped. */
export const clientLabel = ({ name, version }: Implementation): string =>
  escapeLine(`${name.slice(0, 64)} ${version.slice(0, 32)}`.trim());

/** Becomes a JSON-RPC error response with this code and message; the SDK's McpError would put its own words before it. */
class ProtocolError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

const loadTools = () => import("./tools.ts");

const noValidator = (): never => {
  throw new Error("elicitation is not used");
};
