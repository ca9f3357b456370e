import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LATEST_PROTOCOL_VERSION } from '@modelcontextprotocol/sdk/types.js';
import type { Ask } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding } from './chain.ts';
import { parseJson } from './documents.ts';

const CLIENT = { name: 'yata-doctor', version: '1' };

/** Milliseconds that a message is waited for. */
const TIMEOUT = 5_000;

/** The first request of every client. */
export const INITIALIZE = {
  method: 'POST',
  headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: LATEST_PROTOCOL_VERSION, capabilities: {}, clientInfo: CLIENT },
  }),
} as const satisfies RequestInit;

/** A client that the MCP server knows. Disposing it says goodbye. */
export type Session = AsyncDisposable & { readonly client: Client; readonly headers: Readonly<Record<string, string>> };

/** Sends `initialize` and `notifications/initialized`. */
export async function initialize(
  url: string,
  accessToken: string,
  fetch: typeof globalThis.fetch,
): Promise<Finding<Session>> {
  const authorization = `Bearer ${accessToken}`;
  const transport = new StreamableHTTPClientTransport(new URL(url), {
    fetch,
    requestInit: { headers: { authorization } },
  });
  const client = new Client(CLIENT);
  try {
    await client.connect(transport, { timeout: TIMEOUT });
  } catch (error) {
    await client.close();
    throw explain('initialize', error);
  }
  const version = transport.protocolVersion ?? LATEST_PROTOCOL_VERSION;
  const headers = {
    authorization,
    'mcp-protocol-version': version,
    ...(transport.sessionId !== undefined && { 'mcp-session-id': transport.sessionId }),
  };
  const session = {
    client,
    headers,
    async [Symbol.asyncDispose]() {
      await transport.terminateSession().catch(() => undefined);
      await client.close();
    },
  };
  return { found: session, detail: `MCP ${version}` };
}

/** Asks which tools the access token may call. */
export async function listTools({ client }: Session): Promise<Finding> {
  const { tools, nextCursor } = await client.listTools({}, { timeout: TIMEOUT }).catch((error) => {
    throw explain('tools/list', error);
  });
  const detail = `${tools.length} tools${nextCursor === undefined ? '' : ', and more on the next page'}`;
  return tools.length > 0
    ? { found: undefined, detail }
    : {
        found: undefined,
        detail,
        warning: 'The access token may call none: give the client a scope that a tool needs.',
      };
}

/** Examines that GET opens a stream of events, or is 405 (MCP 2025-11-25, Streamable HTTP). */
export async function examineGet(url: string, { headers }: Session, ask: Ask): Promise<Finding> {
  const answer = await ask(url, { headers: { ...headers, accept: 'text/event-stream' } });
  if (answer.status === 405) return { found: undefined, detail: '405: there is no stream to open' };
  const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  if (answer.status === 200 && isStream) return { found: undefined, detail: 'a stream of events' };
  throw new BrokenLinkError(
    `GET answers ${answer.status}, which is neither 405 nor a stream of events`,
    'Answer GET with 405 and Allow: POST where there is no stream to open: clients take anything else for an error.',
  );
}

/** What the server said is not repeated: it may hold the access token. */
function explain(request: string, error: unknown): BrokenLinkError {
  if (error instanceof BrokenLinkError) return error;
  if (error instanceof StreamableHTTPError && error.code !== undefined && error.code > 0)
    return refusedUse(request, error.code);
  return new BrokenLinkError(
    `${request} is not answered as MCP has it`,
    'The URL has to be that of a Streamable HTTP endpoint of MCP: correct its path, or look at the log of the server.',
  );
}

/** Where the todos of an API are. */
export function todosUrl(api: string): string {
  const url = new URL(api);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/todos`;
  return url.href;
}

/** Reads the todos, as a client of the API does. */
export async function listTodos(api: string, accessToken: string, ask: Ask): Promise<Finding> {
  const url = todosUrl(api);
  const { status, text } = await ask(url, { headers: { authorization: `Bearer ${accessToken}` } });
  if (status !== 200) throw refusedUse(`GET ${url}`, status);
  if (parseJson(text) === undefined)
    throw new BrokenLinkError(
      `GET ${url} answers with something else than JSON`,
      'Look at what stands before the API.',
    );
  return { found: undefined, detail: `GET ${url} answers with todos` };
}

/** A resource server does not do what it is asked with an access token that is good, as far as is seen from here. */
export function refusedUse(request: string, status: number): BrokenLinkError {
  const detail = `${request} answers ${status} to an access token that is good`;
  switch (status) {
    case 401:
      return new BrokenLinkError(
        detail,
        'Look at the log of the resource server: its issuer and its resource identifier (AUTH_ISSUER, MCP_RESOURCE, API_RESOURCE), its clock, and whether it reaches the keys and the status lists of the authorization server (AUTH_URL).',
      );
    case 403:
      return new BrokenLinkError(
        detail,
        'Let the client have the scope: yata clients set-scope ID "todos:read todos:write".',
      );
    case 404:
    case 405:
      return new BrokenLinkError(detail, 'The URL has to be the MCP endpoint or the API itself: correct its path.');
    default:
      return new BrokenLinkError(detail, 'Look at the log of the resource server.');
  }
}
