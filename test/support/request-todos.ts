/** Requests the todos of an access token's subject, or what `init` says, from the API at `apiResource`. */
export function requestTodos(apiResource: string, accessToken: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${apiResource}/todos`, {
    ...init,
    headers: {
      authorization: `Bearer ${accessToken}`,
      ...(init.body !== undefined && { 'content-type': 'application/json' }),
    },
  });
}
