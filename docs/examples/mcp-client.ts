// An MCP client in one file: it lists the tools of yata, creates a todo and completes it. Start yata with `npm start`, then
// run in another terminal:
//
//   node --env-file=data/demo-client.env docs/examples/mcp-client.ts
//
import { ClientCredentialsProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const url = new URL(process.env.MCP_URL ?? 'http://localhost:3002/mcp');
const authProvider = new ClientCredentialsProvider({
  clientId: process.env.OAUTH_CLIENT_ID ?? '',
  clientSecret: process.env.OAUTH_CLIENT_SECRET ?? '',
  // the SDK sends the secret to this authorization server only
  expectedIssuer: process.env.AUTH_ISSUER ?? 'http://localhost:3000',
});

// The first request has no access token and is answered with 401. The SDK follows the metadata in that response to the
// authorization server, gets an access token and repeats the request. It does the same when the access token expires.
const client = new Client({ name: 'yata-example', version: '1.0.0' });
await client.connect(new StreamableHTTPClientTransport(url, { authProvider }));
try {
  const { tools } = await client.listTools();
  console.log(`Tools: ${tools.map(({ name }) => name).join(', ')}`);

  const created = await callTool('create_todo', { title: 'Use yata from a program' });
  console.log(`Created: ${created.title}`);

  // with expected_version, a todo that has changed since is not completed
  const completed = await callTool('complete_todo', { id: created.id, expected_version: created.version });
  console.log(`Completed: ${completed.completed}`);
} finally {
  await client.close();
}

/** Calls a tool and returns its structured output. A program decides by the code of an error, never by its text. */
async function callTool(name: string, args: Record<string, unknown>): Promise<Record<string, unknown>> {
  const { isError, structuredContent, _meta } = await client.callTool({ name, arguments: args });
  if (isError) throw new Error(`${name} failed: ${JSON.stringify(_meta?.['yata/error'])}`);
  return Object(structuredContent);
}
