/** Posts a JSON-RPC message to an MCP endpoint. Without an access token it sends none; `headers` win over its own. */
export function postMcpMessage(
  url: string,
  message: object,
  {
    accessToken,
    headers = {},
    signal,
  }: { accessToken?: string; headers?: Record<string, string>; signal?: AbortSignal } = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    redirect: 'error',
    headers: {
      ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(message),
    ...(signal && { signal }),
  });
}
