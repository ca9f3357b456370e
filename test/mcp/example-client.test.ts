import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { listTodos } from '../support/list-todos.ts';
import { startSystem } from '../support/start-system.ts';

test('the example client in docs/ lists the tools, creates a todo and completes it', async () => {
  await using system = await startSystem();
  const credentials = await system.registerClient();
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['docs/examples/mcp-client.ts'], {
    env: {
      MCP_URL: system.mcpResource,
      AUTH_ISSUER: system.issuer,
      OAUTH_CLIENT_ID: credentials.id,
      OAUTH_CLIENT_SECRET: credentials.secret,
    },
  });
  expect(stdout).toMatch(
    /^Tools: list_todos, get_todo, .*, import_todos\nCreated: Use yata from a program\nCompleted: true\n$/,
  );
  expect(stderr).toBe('');
  expect(await listTodos(system, credentials)).toMatchObject([
    { title: 'Use yata from a program', completed: true, version: 2 },
  ]);
});
