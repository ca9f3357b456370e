import { basicAuthorization } from '../../test/support/post-as-client.ts';
import type { LoadRequest } from '../load-request.ts';

/** A client credentials request (RFC 6749 §4.4.2) with client_secret_basic, for the default resource. */
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
      authorization: basicAuthorization({ id: clientId, secret: clientSecret }),
      'content-type': 'application/x-www-form-urlencoded',
    },
    // the scopes are named, because a plain oidc-provider grants none to a client that names none
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'todos:read todos:write' }).toString(),
  };
}
