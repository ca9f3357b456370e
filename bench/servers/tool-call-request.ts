import type { LoadRequest } from '../load-request.ts';

/** A tool call of list_todos over Streamable HTTP. */
export function toolCallRequest({ url, accessToken }: { url: string; accessToken: string }): LoadRequest {
  return {
    url,
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'list_todos', arguments: { limit: 20 } },
    }),
  };
}
