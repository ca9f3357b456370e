import { randomBytes, randomUUID } from 'node:crypto';
import { createToolCall } from '../../test/support/mcp-messages.ts';
import type { Counts, Flood } from './flood.ts';
import { longBatch, longLines } from './generators/long-todos.ts';
import { repeat } from './generators/repeat.ts';
import { useTokensOnce } from './generators/tokens.ts';
import { waitForChanges } from './generators/waits.ts';
import { apiRequest, bearer, importRequest, mcpRequest, tokenRequest, unknownMembers } from './requests.ts';

/** The floods that cost work: of the processor, of the database, or of what waits in a queue. */
export const REQUEST_FLOODS = {
  'invalid-scope': {
    description: '32 connections request a scope that the client is not allowed',
    run: ({ issuer, client }, until) => repeat(32, () => tokenRequest(issuer, client, { scope: 'admin' }), until),
    countAuditEvents: countRejections,
  },
  'rejected-mcp': {
    description: '16 connections send messages with 80,000 unknown members to mcp',
    run({ mcpResource, mcpToken }, until) {
      const members = unknownMembers(80_000);
      const call = `{"name":"list_todos","arguments":{${members}}}`;
      const bodies = [
        `{"jsonrpc":"2.0","id":1,"method":"tools/list",${members}}`,
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${call}}`,
      ];
      return repeat(16, (number) => mcpRequest(mcpResource, mcpToken, bodies[number % bodies.length] ?? ''), until);
    },
  },
  'rejected-batch': {
    description: '16 connections send batches with 200,000 unknown members to api',
    run({ apiResource, apiToken }, until) {
      const body = `{"operations":[{"op":"create","todo":{${unknownMembers(200_000)}}}]}`;
      return repeat(16, () => apiRequest(`${apiResource}/todos/batch`, apiToken, body), until);
    },
  },
  'import-todos': {
    description: 'one subject imports 10,000 short todos again and again',
    run({ apiResource, apiToken }, until) {
      const body = '{"title":"x"}\n'.repeat(10_000);
      return repeat(1, () => importRequest(apiResource, apiToken, body), until);
    },
  },
  'import-long-todos': {
    description: 'one subject imports 980 todos of 10,000 letters with new words again and again',
    run: ({ apiResource, apiToken }, until) =>
      repeat(1, () => importRequest(apiResource, apiToken, longLines(980)), until),
  },
  'import-empty-lines': {
    description: 'one subject imports 10 MB of empty lines on 4 connections',
    run({ apiResource, apiToken }, until) {
      const body = '\n'.repeat(9_999_999);
      return repeat(4, () => importRequest(apiResource, apiToken, body), until);
    },
  },
  batches: {
    description: 'one subject creates 50 long todos with each batch and a new idempotency key, on 4 connections',
    run({ apiResource, apiToken }, until) {
      const url = `${apiResource}/todos/batch`;
      return repeat(4, () => apiRequest(url, apiToken, longBatch(), { 'idempotency-key': randomUUID() }), until);
    },
  },
  liars: {
    description:
      '4 connections pretend to be 10,000 readers of the status lists, which have applied everything or nothing',
    run: ({ issuer }, until) =>
      repeat(
        4,
        (number) => ({
          url: `${issuer}/oauth/status-lists`,
          headers: {
            'status-list-reader': `\x9b2J reader ${number % 10_000}`,
            'if-none-match': number % 2 === 0 ? '"0-1.1"' : '"999999999999999-1.1"',
          },
        }),
        until,
      ),
  },
  'entity-tags': {
    description: '4 connections make up entity tags and numbers of status lists',
    run: ({ issuer }, until) =>
      repeat(
        4,
        (number) => ({
          url: `${issuer}/oauth/status-lists${number % 2 === 0 ? '' : `/${1_000_000 + number}`}`,
          headers: { 'if-none-match': `"${number}-9.9"` },
        }),
        until,
      ),
  },
  tokens: {
    description: '8 connections request access tokens for mcp and use each once, so that mcp exchanges each',
    run({ issuer, mcpResource, client }, until) {
      const call = JSON.stringify(createToolCall('list_todos', { limit: 1 }));
      return useTokensOnce(
        {
          connections: 8,
          request: tokenRequest(issuer, client, { resource: mcpResource }),
          use: (accessToken) => mcpRequest(mcpResource, accessToken, call),
        },
        until,
      );
    },
    countAuditEvents: ({ 'token 400': rejected = 0, 'token 401': notAuthenticated = 0 }) => rejected + notAuthenticated,
  },
  waits: {
    description: 'one subject waits for changes with 1,500 requests and writes every two seconds',
    run: ({ apiResource, apiToken }, until) =>
      waitForChanges(
        {
          url: `${apiResource}/todos/changes`,
          headers: bearer(apiToken),
          waits: 1500,
          write: apiRequest(`${apiResource}/todos`, apiToken, '{"title":"a change"}'),
        },
        until,
      ),
  },
  authorize: {
    description: '4 connections look for client ids at /oauth/authorize',
    run({ issuer }, until) {
      const url = `${issuer}/oauth/authorize?response_type=code&client_id=`;
      return repeat(4, () => ({ url: `${url}${randomBytes(6).toString('hex')}` }), until);
    },
  },
  // the client mcp is limited at its address, and must get access tokens all the same
  'wrong-secrets': {
    description: '4 connections guess the secret of the client mcp, from the address of the MCP server',
    run: ({ issuer }, until) =>
      repeat(4, () => tokenRequest(issuer, { id: 'mcp', secret: randomBytes(32).toString('base64url') }), until),
    countAuditEvents: countRejections,
  },
} as const satisfies Record<string, Flood>;

/** auth records a rejected token request, but not one that it rejects because of a limit (429). */
function countRejections({ '400': rejected = 0, '401': notAuthenticated = 0 }: Counts): number {
  return rejected + notAuthenticated;
}
