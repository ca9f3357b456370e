import { importJWK, type JSONWebKeySet } from 'jose';
import * as z from 'zod';
import { PRIVATE_JWK_MEMBERS } from '../../auth/signing-keys/public-jwk.ts';
import type { Ask } from './cautious-fetch.ts';
import { BrokenLinkError, type Finding } from './chain.ts';
import { getDocument } from './documents.ts';
import { sanitize } from './sanitize.ts';

const Jwk = z.looseObject({
  kty: z.string('a string'),
  kid: z.string('a string').optional(),
  use: z.string('a string').optional(),
  alg: z.string('a string').optional(),
});
type Jwk = z.infer<typeof Jwk>;
const Jwks = z.object({ keys: z.array(Jwk, 'a list of keys') });

/** Gets the public keys of an authorization server (RFC 7517). */
export async function getKeys(jwksUri: string, ask: Ask): Promise<Finding<JSONWebKeySet>> {
  const { document } = await getDocument(ask, jwksUri, {
    schema: Jwks,
    remedy: 'Serve the public keys there, or correct jwks_uri in the authorization server metadata.',
  });
  if (document.keys.some((key) => PRIVATE_JWK_MEMBERS.some((member) => member in key)))
    throw new BrokenLinkError(
      `${sanitize(jwksUri)} publishes a private or symmetric key`,
      'Take it away and sign with another one at once: whoever saw it can make access tokens.',
    );
  const usable: Jwk[] = [];
  for (const key of document.keys) if (await isUsable(key)) usable.push(key);
  if (usable.length === 0)
    throw new BrokenLinkError(
      `${sanitize(jwksUri)} has no key that verifies a signature`,
      'Publish the public half of the key that access tokens are signed with (use: sig).',
    );
  const found = { keys: usable };
  const detail = `${usable.length === 1 ? 'one key' : `${usable.length} keys`}: ${sanitize(usable.map(({ kty, alg }) => alg ?? kty).join(', '))}`;
  return usable.length > 1 && usable.some(({ kid }) => kid === undefined)
    ? { found, detail, warning: 'Give each key a kid: a verifier cannot tell which of them a token was signed with.' }
    : { found, detail };
}

async function isUsable({ use, ...key }: Jwk): Promise<boolean> {
  if (use !== undefined && use !== 'sig') return false;
  const alg = key.alg ?? { EC: 'ES256', RSA: 'RS256', OKP: 'EdDSA' }[key.kty];
  return importJWK(key, alg).then(
    () => true,
    () => false,
  );
}
