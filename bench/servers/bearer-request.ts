import type { LoadRequest } from '../load-request.ts';

/** A GET request with an access token (RFC 6750 §2.1). */
export function bearerRequest({
  port,
  path,
  accessToken,
}: {
  port: number;
  path: string;
  accessToken: string;
}): LoadRequest {
  return {
    url: `http://127.0.0.1:${port}${path}`,
    method: 'GET',
    headers: { authorization: `Bearer ${accessToken}` },
    body: '',
  };
}
