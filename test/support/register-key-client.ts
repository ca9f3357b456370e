import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import type { System } from './start-system.ts';

/** A client that authenticates with a key (`private_key_jwt`). */
export type KeyClient = {
  readonly id: string;
  /** Creates the parameters of a valid client assertion, which can be used once. */
  readonly createAssertion: () => Promise<Record<string, string>>;
  /** Posts a form with a client assertion to a path of auth. */
  readonly post: (path: string, parameters: Record<string, string>) => Promise<Response>;
};

/** Registers a client that authenticates with a key. */
export async function registerKeyClient(system: Pick<System, 'issuer' | 'registerClient'>): Promise<KeyClient> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const { id } = await system.registerClient({
    tokenEndpointAuthMethod: 'private_key_jwt',
    secretHash: null,
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] },
  });
  const createAssertion = async () => ({
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await new SignJWT({ iss: id, sub: id, aud: system.issuer, jti: randomUUID() })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .setIssuedAt()
      .setExpirationTime('1m')
      .sign(privateKey),
  });
  return {
    id,
    createAssertion,
    post: async (path, parameters) =>
      fetch(`${system.issuer}${path}`, {
        method: 'POST',
        body: new URLSearchParams({ ...(await createAssertion()), ...parameters }),
      }),
  };
}
