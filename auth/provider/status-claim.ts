import type { AccessToken, Client, ClientCredentials, JWTStructured, KoaContextWithOIDC } from 'oidc-provider';
import type { TokenStatus } from '../status-lists/token-status.ts';
import { throwProviderErrors } from './oauth-errors.ts';

/**
 * Creates the setting `formats.customizers.jwt`, which adds the claim `status` to an access token. oidc-provider calls it
 * before it signs the token. An exchanged token already has the status of its subject token.
 */
export function createStatusClaim({ assign, assignExclusively }: Pick<TokenStatus, 'assign' | 'assignExclusively'>) {
  const assignStatus = throwProviderErrors(({ clientId, one_token_at_a_time }: Client, expiresAt: number) =>
    one_token_at_a_time === true ? assignExclusively(clientId, expiresAt) : assign(clientId, expiresAt),
  );
  return async function addStatusClaim(
    _ctx: KoaContextWithOIDC,
    { client }: AccessToken | ClientCredentials,
    { payload }: JWTStructured,
  ): Promise<void> {
    if (client === undefined) throw new Error('an access token is issued to a client');
    payload.status ??= { status_list: await assignStatus(client, Number(payload.exp)) };
  };
}
