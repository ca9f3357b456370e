import type { AccessToken, Client, ClientCredentials, JWTStructured, KoaContextWithOIDC } from 'oidc-provider';
import type { StatusReference } from '../../shared/resource-server/status-list.ts';
import type { TokenRequestLimits } from '../request-limits/token-request-limits.ts';
import type { TokenStatus } from '../status-lists/token-status.ts';
import { throwProviderErrors } from './oauth-errors.ts';

/**
 * Creates the assignment of statuses. `addStatusClaim` is for the setting `formats.customizers.jwt`: oidc-provider calls it
 * before it signs an access token, and it adds the claim `status`. An exchanged token already has the status of its subject
 * token, and was counted as an exchange.
 * @param countToken throws when the client has got too many access tokens.
 */
export function createStatusClaim(
  { assign, assignExclusively }: Pick<TokenStatus, 'assign' | 'assignExclusively'>,
  countToken: TokenRequestLimits['countToken'],
) {
  const assignStatus = throwProviderErrors(
    ({ clientId, one_token_at_a_time }: Client, expiresAt: number, connectionId?: string) => {
      // counted before a status is assigned, which may need the database
      countToken(clientId, connectionId);
      return one_token_at_a_time === true && connectionId === undefined
        ? assignExclusively(clientId, expiresAt)
        : assign(clientId, expiresAt, connectionId);
    },
  );
  return {
    async addStatusClaim(
      ctx: KoaContextWithOIDC,
      token: AccessToken | ClientCredentials,
      { payload }: JWTStructured,
    ): Promise<void> {
      const { client } = token;
      if (client === undefined) throw new Error('an access token is issued to a client');
      const connectionId = 'grantId' in token ? token.grantId : undefined;
      payload.status ??= {
        status_list: findReserved(ctx) ?? (await assignStatus(client, Number(payload.exp), connectionId)),
      };
    },
    /**
     * Assigns the status of the access token that a refresh token is about to get, before the refresh token is used up: if
     * this fails, the client can retry.
     */
    async reserve(ctx: KoaContextWithOIDC, client: Client, expiresAt: number, connectionId: string): Promise<void> {
      ctx.state.reservedStatus = await assignStatus(client, expiresAt, connectionId);
    },
  };
}

export type StatusClaim = ReturnType<typeof createStatusClaim>;

function findReserved(ctx: KoaContextWithOIDC): StatusReference | undefined {
  return ctx.state.reservedStatus;
}
