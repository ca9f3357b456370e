import * as z from 'zod';
import { postAsClient } from './post-as-client.ts';
import type { TestClient } from './start-system.ts';

const TokenResponse = z.object({ access_token: z.string() });

/** Requests an access token by client credentials, unless `parameters` name another grant. @throws when there is none. */
export async function requestAccessToken(
  issuer: string,
  client: TestClient,
  parameters: Record<string, string> = {},
): Promise<string> {
  const response = await postAsClient(`${issuer}/oauth/token`, client, {
    grant_type: 'client_credentials',
    ...parameters,
  });
  return TokenResponse.parse(await response.json()).access_token;
}
