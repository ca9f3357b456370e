import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { LATEST_PROTOCOL_VERSION } from '@modelcontextprotocol/sdk/types.js';
import { findJson } from '../../shared/find-json.ts';
import type { FetchText } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding } from './chain.ts';

const CLIENT_INFO = { name: 'yata-doctor', version: '1' };

/** How long the MCP server may take to answer a message. */
const MESSAGE_TIMEOUT_MS = 5_000;

/** The first request of every MCP client. */
export const INITIALIZE = {
  method: 'POST',
  headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
  body: JSON.stringify({
    jsonrpc: '2.0',
    id: 1,
    method: 'initialize',
    params: { protocolVersion: LATEST_PROTOCOL_VERSION, capabilities: {}, clientInfo: CLIENT_INFO },
  }),
} as const satisfies RequestInit;

/** An initialized MCP session. Disposing it ends the session. */
export type Session = AsyncDisposable & { readonly client: Client; readonly headers: Readonly<Record<string, string>> };

/** Sends `initialize` and `notifications/initialized` with the access token. */
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
  const client = new Client(CLIENT_INFO);
  try {
    await client.connect(transport, { timeout: MESSAGE_TIMEOUT_MS });
  } catch (error) {
    await client.close();
    throw toBrokenLink('initialize', error);
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
  return { value: session, detail: `MCP ${version}` };
}

/** Lists the tools that the access token may call. */
export async function listTools({ client }: Session): Promise<Finding> {
  const { tools, nextCursor } = await client.listTools({}, { timeout: MESSAGE_TIMEOUT_MS }).catch((error) => {
    throw toBrokenLink('tools/list', error);
  });
  const detail = `${tools.length === 1 ? '1 tool' : `${tools.length} tools`}${nextCursor === undefined ? '' : ', and more on the next page'}`;
  return tools.length > 0
    ? { value: undefined, detail }
    : {
        value: undefined,
        detail,
        warning: 'The access token may not call any tool. Give the client a scope that a tool requires.',
      };
}

/** Checks that GET opens an event stream or is answered with 405 (MCP 2025-11-25, Streamable HTTP). */
export async function checkGet(url: string, { headers }: Session, fetchText: FetchText): Promise<Finding> {
  const response = await fetchText(url, { headers: { ...headers, accept: 'text/event-stream' } });
  if (response.status === 405) return { value: undefined, detail: '405: the server offers no event stream' };
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  if (response.status === 200 && isStream) return { value: undefined, detail: 'an event stream' };
  throw new BrokenLinkError(
    `GET answers ${response.status}, which is neither 405 nor an event stream`,
    'If the server offers no event stream, answer GET with 405 and Allow: POST. Clients treat every other response as an error.',
  );
}

/** The URL of the todos of an API. */
export function todosUrl(api: string): string {
  const url = new URL(api);
  url.pathname = `${url.pathname.replace(/\/$/, '')}/todos`;
  return url.href;
}

/** Lists the todos of an API with the access token. */
export async function listTodos(api: string, accessToken: string, fetchText: FetchText): Promise<Finding> {
  const url = todosUrl(api);
  const { status, text } = await fetchText(url, { headers: { authorization: `Bearer ${accessToken}` } });
  if (status !== 200) throw createRejectedError(`GET ${url}`, status);
  if (findJson(text) === undefined)
    throw new BrokenLinkError(
      `the response to GET ${url} is not JSON`,
      'Check the proxy or web site in front of the API.',
    );
  return { value: undefined, detail: `GET ${url} answers with todos` };
}

/** The server's own message is not repeated: it may contain the access token. */
function toBrokenLink(request: string, error: unknown): BrokenLinkError {
  if (error instanceof BrokenLinkError) return error;
  if (error instanceof StreamableHTTPError && error.code !== undefined && error.code > 0)
    return createRejectedError(request, error.code);
  return new BrokenLinkError(
    `the response to ${request} is not an MCP response`,
    'The URL must be a Streamable HTTP endpoint of MCP. Correct its path, or look at the log of the server.',
  );
}

/** Creates the error for a resource server that rejects a request although the access token passed every check here. */
function createRejectedError(request: string, status: number): BrokenLinkError {
  const detail = `${request} answers ${status} although the access token is valid`;
  switch (status) {
    case 401:
      return new BrokenLinkError(
        detail,
        'Look at the log of the resource server. Check its issuer and resource identifier (AUTH_ISSUER, MCP_RESOURCE, API_RESOURCE), its clock, and that it reaches the keys and the status lists of the authorization server (AUTH_URL).',
      );
    case 403:
      return new BrokenLinkError(
        detail,
        'Give the client the scope that the request requires: yata clients set-scope ID todos:read todos:write.',
      );
    case 404:
    case 405:
      return new BrokenLinkError(detail, 'The URL must be the MCP endpoint or the API itself. Correct its path.');
    default:
      return new BrokenLinkError(detail, 'Look at the log of the resource server.');
  }
}
