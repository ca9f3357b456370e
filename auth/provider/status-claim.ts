import type { AccessToken, Client, ClientCredentials, JWTStructured, KoaContextWithOIDC } from 'oidc-provider';
import type { TokenRequestLimits } from '../grants/token-request-limits.ts';
import type { TokenStatus } from '../status-lists/token-status.ts';
import { throwProviderErrors } from './oauth-errors.ts';

/**
 * Creates the setting `formats.customizers.jwt`, which adds the claim `status` to an access token. oidc-provider calls it
 * before it signs the token. An exchanged token already has the status of its subject token, and was counted as an
 * exchange.
 * @param countToken throws when the client has got too many access tokens.
 */
export function createStatusClaim(
  { assign, assignExclusively }: Pick<TokenStatus, 'assign' | 'assignExclusively'>,
  countToken: TokenRequestLimits['countToken'],
) {
  const assignStatus = throwProviderErrors(({ clientId, one_token_at_a_time }: Client, expiresAt: number) => {
    // counted before a status is assigned, which may need the database
    countToken(clientId);
    return one_token_at_a_time === true ? assignExclusively(clientId, expiresAt) : assign(clientId, expiresAt);
  });
  return async function addStatusClaim(
    _ctx: KoaContextWithOIDC,
    { client }: AccessToken | ClientCredentials,
    { payload }: JWTStructured,
  ): Promise<void> {
    if (client === undefined) throw new Error('an access token is issued to a client');
    payload.status ??= { status_list: await assignStatus(client, Number(payload.exp)) };
  };
}
