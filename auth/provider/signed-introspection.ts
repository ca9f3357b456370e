import type { KoaContextWithOIDC } from 'oidc-provider';

/**
 * Signs an introspection response for the client that requests it (RFC 9701 §5). The class `IdToken` of oidc-provider sets
 * `typ`, `iss`, `aud` and `iat` in its usage `introspection`.
 */
export async function signIntrospectionResponse(ctx: KoaContextWithOIDC, response: object): Promise<string> {
  const { IdToken } = ctx.oidc.provider;
  const signed = new IdToken({}, { ctx });
  signed.set('token_introspection', response);
  return signed.issue({ use: 'introspection' });
}
