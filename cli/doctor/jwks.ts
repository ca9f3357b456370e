import { importJWK, type JSONWebKeySet } from 'jose';
import * as z from 'zod';
import { PRIVATE_JWK_MEMBERS } from '../../auth/signing-keys/public-jwk.ts';
import { sanitize } from '../sanitize.ts';
import type { FetchText } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding } from './chain.ts';
import { fetchDocument } from './documents.ts';

const Jwk = z.looseObject({
  kty: z.string('a string'),
  kid: z.string('a string').optional(),
  use: z.string('a string').optional(),
  alg: z.string('a string').optional(),
});
type Jwk = z.infer<typeof Jwk>;
const Jwks = z.object({ keys: z.array(Jwk, 'a list of keys') });

/** Fetches the public keys of an authorization server (RFC 7517) and checks that they can verify a signature. */
export async function checkKeys(jwksUri: string, fetchText: FetchText): Promise<Finding<JSONWebKeySet>> {
  const document = await fetchDocument(fetchText, jwksUri, {
    schema: Jwks,
    remedy: 'Serve the public keys at this URL, or correct jwks_uri in the authorization server metadata.',
  });
  if (document.keys.some((key) => PRIVATE_JWK_MEMBERS.some((member) => member in key)))
    throw new BrokenLinkError(
      `${sanitize(jwksUri)} publishes a private or symmetric key`,
      'Remove the key and sign with a new one at once: everyone who has read it can create valid access tokens.',
    );
  const usable: Jwk[] = [];
  for (const key of document.keys) if (await isUsable(key)) usable.push(key);
  if (usable.length === 0)
    throw new BrokenLinkError(
      `${sanitize(jwksUri)} has no key that can verify a signature`,
      'Publish the public key of the key pair that signs access tokens (use: sig).',
    );
  const value = { keys: usable };
  const detail = `${usable.length === 1 ? '1 key' : `${usable.length} keys`}: ${sanitize(usable.map(({ kty, alg }) => alg ?? kty).join(', '))}`;
  return usable.length > 1 && usable.some(({ kid }) => kid === undefined)
    ? { value, detail, warning: 'Give each key a kid, so that a verifier knows which key signed an access token.' }
    : { value, detail };
}

async function isUsable({ use, ...key }: Jwk): Promise<boolean> {
  if (use !== undefined && use !== 'sig') return false;
  const alg = key.alg ?? { EC: 'ES256', RSA: 'RS256', OKP: 'EdDSA' }[key.kty];
  return importJWK(key, alg).then(
    () => true,
    () => false,
  );
}
