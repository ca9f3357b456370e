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

/** A key pair of a client: the public key as a JWK, and what signs a client assertion with the private one. */
export type ClientKeyPair = {
  readonly jwk: Record<string, unknown>;
  /** Signs a client assertion, which is valid for a minute and can be used once. */
  readonly signAssertion: (clientId: string, issuer: string) => Promise<string>;
};

/** Creates a key pair of a client. */
export async function createClientKeyPair(kid: string): Promise<ClientKeyPair> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  return {
    jwk: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' },
    signAssertion: (clientId, issuer) =>
      new SignJWT({ iss: clientId, sub: clientId, aud: issuer, jti: randomUUID() })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(privateKey),
  };
}

/** Requests an access token with a client assertion. @returns the status of the response. */
export async function presentAssertion(origin: string, assertion: string): Promise<number> {
  const body = new URLSearchParams({ grant_type: 'client_credentials', ...assertionParameters(assertion) });
  return (await fetch(`${origin}/oauth/token`, { method: 'POST', body })).status;
}

/** The parameters with which a client assertion authenticates its client (RFC 7523 §2.2). */
function assertionParameters(client_assertion: string) {
  return { client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer', client_assertion };
}

/** Registers a client that authenticates with a key. */
export async function registerKeyClient(system: Pick<System, 'issuer' | 'registerClient'>): Promise<KeyClient> {
  const { jwk, signAssertion } = await createClientKeyPair('one');
  const { id } = await system.registerClient({
    tokenEndpointAuthMethod: 'private_key_jwt',
    secretHash: null,
    jwks: { keys: [jwk] },
  });
  const createAssertion = async () => assertionParameters(await signAssertion(id, system.issuer));
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
