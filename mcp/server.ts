import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CallToolRequestSchema, ErrorCode, ListToolsRequestSchema, McpError } from '@modelcontextprotocol/sdk/types.js';
import type { Logger } from 'pino';
import { invalidParams } from './invalid-params.ts';
import type { TodoApi } from './todo-api/todo-api.ts';
import { tools } from './tools/index.ts';
import { describeFailure, toolError } from './tools/tool-error.ts';

/** What an MCP client is told of the server. */
export type ServerInfo = { readonly name: string; readonly version: string };

const INSTRUCTIONS =
  'The todo list of one person. Ids come from list_todos; nothing else needs to be known beforehand.';

/**
 * Creates an MCP server for the todos of one caller: the same for every transport. It is the SDK's plain `Server`, for
 * `McpServer` answers an unknown tool with a result, passes the messages of thrown errors on to the model, and writes
 * schemas of an older draft.
 */
export function createMcpServer({ todos, info, logger }: { todos: TodoApi; info: ServerInfo; logger: Logger }): Server {
  const server = new ParamsCheckingServer(
    { ...info, title: 'yata todos' },
    { capabilities: { tools: {} }, instructions: INSTRUCTIONS },
  );

  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: tools.map(({ name, title, description, annotations, inputSchema, outputSchema }) => ({
      name,
      title,
      description,
      annotations: { title, ...annotations },
      inputSchema,
      outputSchema,
    })),
  }));

  server.setRequestHandler(CallToolRequestSchema, async ({ params }, { signal }) => {
    const tool = tools.find(({ name }) => name === params.name);
    if (tool === undefined) throw new McpError(ErrorCode.InvalidParams, 'There is no tool of this name');
    try {
      return await tool.call(params.arguments, { todos, signal });
    } catch (err) {
      // nobody waits for an answer
      if (signal.aborted) throw err;
      logger.warn({ err, tool: tool.name }, 'a tool call failed');
      return toolError(describeFailure(err));
    }
  });
  return server;
}

/** The SDK answers params that are not valid as a failure of its own, with all that its schema has to say. */
class ParamsCheckingServer extends Server {
  override async connect(transport: Transport): Promise<void> {
    await super.connect(transport);
    const { onmessage } = transport;
    transport.onmessage = (message, extra) => {
      const error = invalidParams(message);
      if (error === undefined) onmessage?.(message, extra);
      else transport.send(error).catch((cause) => this.onerror?.(cause));
    };
  }
}
