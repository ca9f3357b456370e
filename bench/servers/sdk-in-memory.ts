import { randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { McpServer as McpServerV1 } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { describeTodo } from '../../mcp/todos/describe-todo.ts';
import { PresentedTodo } from '../../mcp/todos/present-todo.ts';
import { serve } from '../../shared/http/serve.ts';
import { runContestant } from './run-contestant.ts';
import { ToolCallArguments, toolCallRequest } from './tool-call-request.ts';

const TODOS = Array.from({ length: 20 }, (_, number) => ({
  id: randomUUID(),
  title: `Todo number ${number}`,
  completed: false,
  version: 1,
}));

const INPUT = { limit: z.int() };
const OUTPUT = { todos: z.array(PresentedTodo), total: z.int(), next_cursor: z.string().optional() };

// A stateless server with the SDK of the revision, as its documentation shows it: no guard, and todos in memory.
await runContestant(async (resources) => {
  const [revision, call] = ToolCallArguments.parse(process.argv.slice(2));
  const answer = revision === '2026-07-28' ? answerWithV2() : answerWithV1(call === 'progress');
  const { port } = resources.use(await serve(answer, { port: 0, host: '127.0.0.1' }));
  return toolCallRequest([revision, call], { url: `http://127.0.0.1:${port}/mcp`, accessToken: 'x'.repeat(500) });
});

/** Answers as yata does. A shorter page has a cursor, as long as one of yata. */
function listTodos({ limit }: { limit: number }) {
  const todos = TODOS.slice(0, limit);
  const text = `${todos.map(describeTodo).join('\n')}\n${todos.length} of ${TODOS.length}.`;
  const next_cursor = todos.length < TODOS.length ? 'x'.repeat(100) : undefined;
  return {
    content: [{ type: 'text' as const, text }],
    structuredContent: { todos, total: TODOS.length, ...(next_cursor && { next_cursor }) },
  };
}

/** SDK v1 sends progress only over an event stream. */
function answerWithV1(streams: boolean): RequestListener {
  return async (request, response) => {
    const server = new McpServerV1({ name: 'bench', version: '1' });
    server.registerTool('list_todos', { inputSchema: INPUT, outputSchema: OUTPUT }, listTodos);
    const transport = new StreamableHTTPServerTransport({ enableJsonResponse: !streams });
    response.once('close', () => {
      void transport.close();
      void server.close();
    });
    await server.connect(transport);
    await transport.handleRequest(request, response);
  };
}

function answerWithV2(): RequestListener {
  const handle = toNodeHandler(
    createMcpHandler(() => {
      const server = new McpServer({ name: 'bench', title: 'bench', version: '1' });
      server.registerTool('list_todos', { inputSchema: z.object(INPUT), outputSchema: z.object(OUTPUT) }, listTodos);
      return server;
    }),
  );
  return (request, response) => void handle(request, response);
}
