import { existsSync } from 'node:fs';
import { credentialsPath, readCredentials } from '../auth/clients/credentials-file.ts';
import type { Environment } from '../shared/configuration/environment.ts';
import { CLIENT_CREDENTIALS } from '../shared/oauth-client/grant-types.ts';
import { createTokenRequest } from '../shared/oauth-client/token-request.ts';
import { type ClientCredentials, findClientCredentials } from './client-credentials.ts';
import { toClientRejectedError } from './client-rejected-error.ts';
import { findPersonToken } from './person-login.ts';
import { readSettings } from './read-settings.ts';
import type { TokenResponse } from './token-response.ts';

/**
 * Requests an access token with the client credentials in the environment, or else for the person who signed in with `login`,
 * or else with the credentials of the demo client in the data directory (RFC 6749 §4.4). The secret is sent to `AUTH_ISSUER`, or to `AUTH_URL` where that is set.
 * @throws {InvalidConfigurationError} @throws {InsecureFileError} when other users could have written the credentials.
 * @throws when there are no credentials, auth rejects the request, or auth cannot be reached.
 */
export async function requestToken(
  given: Environment,
  parameters: { readonly resource?: string; readonly scope?: string },
  options: { readonly fetch?: typeof fetch } = {},
): Promise<TokenResponse> {
  const { environment, issuer, dataDirectory } = readSettings(given, options);
  const asPerson =
    findClientCredentials(environment) === undefined ? await findPersonToken(given, parameters, options) : undefined;
  if (asPerson !== undefined) return asPerson;
  const { credentials, source } = findCredentials(environment, dataDirectory);
  const request = createTokenRequest({
    authorizationServer: issuer.metadata,
    clientId: credentials.OAUTH_CLIENT_ID,
    clientSecret: credentials.OAUTH_CLIENT_SECRET,
    fetch: issuer.fetch,
  });
  try {
    const { value, issuedAt, expiresAt, scopes } = await request(CLIENT_CREDENTIALS, parameters);
    return {
      access_token: value,
      token_type: 'Bearer',
      expires_in: (expiresAt - issuedAt) / 1000,
      ...(scopes !== undefined && { scope: [...scopes].join(' ') }),
    };
  } catch (error) {
    throw toClientRejectedError(error, {
      clientId: credentials.OAUTH_CLIENT_ID,
      source,
      advice: `Check --resource and --scope. yata clients show ${credentials.OAUTH_CLIENT_ID} lists what the client may have.`,
    });
  }
}

function findCredentials(
  environment: Environment,
  directory: string,
): { readonly credentials: ClientCredentials; readonly source: string } {
  const fromEnvironment = findClientCredentials(environment);
  if (fromEnvironment !== undefined)
    return { credentials: fromEnvironment, source: 'OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET' };
  const source = credentialsPath(directory, 'demo');
  if (!existsSync(source))
    throw new Error(
      `No client credentials: ${source} does not exist. Run npm start first, or set OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET.`,
    );
  return { credentials: readCredentials(directory, 'demo'), source };
}
