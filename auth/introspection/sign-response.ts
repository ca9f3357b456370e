import { SignJWT } from 'jose';
import type { SigningKeys } from '../signing-keys/signing-keys.ts';

/** Signs an introspection response for a client, with the key that signs at the time (RFC 9701 §5). */
export type SignIntrospectionResponse = (clientId: string, response: object) => Promise<string>;

/** Creates the signature of introspection responses. */
export function createSignIntrospectionResponse({
  issuer,
  signingKeys,
}: {
  issuer: string;
  signingKeys: Pick<SigningKeys, 'active'>;
}): SignIntrospectionResponse {
  return async (clientId, response) => {
    const key = signingKeys.active();
    return new SignJWT({ token_introspection: response })
      .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: 'token-introspection+jwt' })
      .setIssuer(issuer)
      .setAudience(clientId)
      .setIssuedAt()
      .sign(key);
  };
}
