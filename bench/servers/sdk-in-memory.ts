import { randomUUID } from 'node:crypto';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import * as z from 'zod';
import { describeTodo } from '../../mcp/todos/describe-todo.ts';
import { PresentedTodo } from '../../mcp/todos/present-todo.ts';
import { serve } from '../../shared/http/serve.ts';
import { runContestant } from './run-contestant.ts';
import { toolCallRequest } from './tool-call-request.ts';

// A stateless server with the SDK, as its documentation shows it: no guard, and todos in memory.
await runContestant(async (resources) => {
  const todos = Array.from({ length: 20 }, (_, number) => ({
    id: randomUUID(),
    title: `Todo number ${number}`,
    completed: false,
    version: 1,
  }));
  const { port } = resources.use(
    await serve(
      async (request, response) => {
        const server = new McpServer({ name: 'bench', version: '1' });
        const inputSchema = { limit: z.int() };
        const outputSchema = { todos: z.array(PresentedTodo), total: z.int() };
        server.registerTool('list_todos', { inputSchema, outputSchema }, ({ limit }) => {
          const page = todos.slice(0, limit);
          const text = `${page.map(describeTodo).join('\n')}\n${page.length} of ${todos.length}.`;
          return { content: [{ type: 'text', text }], structuredContent: { todos: page, total: todos.length } };
        });
        const transport = new StreamableHTTPServerTransport({ enableJsonResponse: true });
        response.once('close', () => {
          void transport.close();
          void server.close();
        });
        await server.connect(transport);
        await transport.handleRequest(request, response);
      },
      { port: 0, host: '127.0.0.1' },
    ),
  );
  return toolCallRequest({ url: `http://127.0.0.1:${port}/mcp`, accessToken: 'x'.repeat(500) });
});
