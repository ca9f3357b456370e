import type Provider from 'oidc-provider';
import type { KoaContextWithOIDC, ResourceServer, TokenEndpointGrantContext } from 'oidc-provider';
import { ACCESS_TOKEN_TYPE, TOKEN_EXCHANGE } from '../../shared/oauth-client/grant-types.ts';
import {
  type ExchangedToken,
  type ExchangeToken,
  REPEATABLE_PARAMETERS,
  TOKEN_EXCHANGE_PARAMETERS,
} from '../grants/token-exchange.ts';
import { toProviderError } from './oauth-errors.ts';

/** Adds the token exchange grant (RFC 8693). */
export function applyTokenExchangeGrant(
  provider: Provider,
  {
    exchangeToken,
    describeResourceServer,
  }: { exchangeToken: ExchangeToken; describeResourceServer: (resource: string) => ResourceServer },
): void {
  // oidc-provider deletes every parameter that is not in this list before it calls the grant
  provider.registerGrantType(TOKEN_EXCHANGE, handleTokenExchange, TOKEN_EXCHANGE_PARAMETERS, REPEATABLE_PARAMETERS);

  async function handleTokenExchange(ctx: TokenEndpointGrantContext): Promise<void> {
    const { client } = ctx.oidc;
    // try and catch instead of a wrapper: a wrapper would add a promise to each request
    try {
      const { resource, scope, expiresIn, ...exchanged } = await exchangeToken(client, ctx.oidc.params);
      // the class AccessToken has a subject of its own; ClientCredentials would name the client as the subject
      const accessToken = new provider.AccessToken({
        client,
        accountId: exchanged.subject,
        resourceServer: new provider.ResourceServer(resource, describeResourceServer(resource)),
        scope,
        exp: exchanged.expiresAt,
        gty: TOKEN_EXCHANGE,
        // required by the type; oidc-provider does not store a JWT access token
        grantId: exchanged.subjectTokenId,
      });
      ctx.state.exchangedTokenClaims = exchanged.claims;
      ctx.oidc.entity('AccessToken', accessToken);
      ctx.body = {
        access_token: await accessToken.save(),
        issued_token_type: ACCESS_TOKEN_TYPE,
        token_type: 'Bearer',
        expires_in: expiresIn,
        scope,
      };
    } catch (error) {
      throw toProviderError(error);
    }
  }
}

/**
 * The additional claims of the token that this request exchanges, for the setting `extraTokenClaims`. oidc-provider
 * overwrites claims that are set on the token itself (`token.extra`).
 */
export function findExchangedTokenClaims(ctx: KoaContextWithOIDC): ExchangedToken['claims'] | undefined {
  return ctx.state.exchangedTokenClaims;
}
