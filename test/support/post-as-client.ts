import type { TestClient } from './start-system.ts';

/** Creates the Authorization header of client_secret_basic (RFC 6749 §2.3.1). It does not form-encode id and secret. */
export function basicAuthorization({ id, secret }: TestClient): string {
  return `Basic ${btoa(`${id}:${secret}`)}`;
}

/** Posts a form to an endpoint of auth as `client`, which authenticates by client_secret_basic. */
export function postAsClient(
  url: string,
  client: TestClient,
  parameters: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { authorization: basicAuthorization(client), ...headers },
    body: new URLSearchParams(parameters),
  });
}
