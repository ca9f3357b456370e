import type { LoadRequest } from '../load-request.ts';

/** The client credentials grant (RFC 6749 §4.4.2) by client_secret_basic, for the default resource. */
export function accessTokenRequest({
  port,
  clientId,
  clientSecret,
}: {
  port: number;
  clientId: string;
  clientSecret: string;
}): LoadRequest {
  return {
    url: `http://127.0.0.1:${port}/oauth/token`,
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`,
      'content-type': 'application/x-www-form-urlencoded',
    },
    // named, for a bare oidc-provider grants no scope to who names none
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'todos:read todos:write' }).toString(),
  };
}
