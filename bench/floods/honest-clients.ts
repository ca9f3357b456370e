import { Agent } from 'node:http';
import * as z from 'zod';
import { createToolCall } from '../../test/support/mcp-messages.ts';
import { requestAccessToken } from '../../test/support/request-access-token.ts';
import { apiRequest, bearer, mcpRequest, tokenRequest } from './requests.ts';
import { type HttpRequest, send } from './send.ts';

const ClientCredentials = z.object({ id: z.string(), secret: z.string() });

/** Where the honest clients send their requests, and the credentials of each. */
export const HonestTarget = z.object({
  issuer: z.string(),
  apiResource: z.string(),
  mcpResource: z.string(),
  clients: z.object({
    reader: ClientCredentials,
    writer: ClientCredentials,
    requester: ClientCredentials,
    assistant: ClientCredentials,
  }),
});
export type HonestTarget = z.infer<typeof HonestTarget>;

/** A client that sends one kind of request at a fixed rate, however long the responses take. */
export type HonestClient = {
  readonly kind: string;
  readonly perSecond: number;
  readonly next: () => HttpRequest | Promise<HttpRequest>;
};

const TODOS = 20;

/** The MCP client gets a new access token for one in so many calls, and mcp exchanges it in that call. */
const CALLS_PER_TOKEN = 10;

/** Opens the honest clients: each has its own credentials, so that no limit for one concerns another. */
export async function openHonestClients(target: HonestTarget): Promise<readonly HonestClient[]> {
  const { issuer, apiResource, mcpResource, clients } = target;
  const readerToken = await requestAccessToken(issuer, clients.reader);
  const writerToken = await requestAccessToken(issuer, clients.writer);
  const requestAssistantToken = () => requestAccessToken(issuer, clients.assistant, { resource: mcpResource });
  let assistantToken = await requestAssistantToken();
  let calls = 0;
  const todo = JSON.stringify({ title: 'Call the plumber', tags: ['home'] });
  const createTodo = (accessToken: string) => apiRequest(`${apiResource}/todos`, accessToken, todo);
  const toolCall = JSON.stringify(createToolCall('list_todos', { limit: TODOS }));
  const agent = new Agent();
  for (let created = 0; created < TODOS; created++) await send(createTodo(readerToken), agent);
  return [
    {
      kind: 'list',
      perSecond: 40,
      next: () => ({ url: `${apiResource}/todos?limit=${TODOS}`, headers: bearer(readerToken) }),
    },
    { kind: 'create', perSecond: 20, next: () => createTodo(writerToken) },
    { kind: 'token', perSecond: 20, next: () => tokenRequest(issuer, clients.requester) },
    {
      kind: 'mcp',
      perSecond: 20,
      async next() {
        if (++calls % CALLS_PER_TOKEN === 0) assistantToken = await requestAssistantToken();
        return mcpRequest(mcpResource, assistantToken, toolCall);
      },
    },
  ];
}
