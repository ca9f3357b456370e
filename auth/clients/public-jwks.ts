import * as z from 'zod';
import { PRIVATE_JWK_MEMBERS } from '../signing-keys/public-jwk.ts';
import { MAX_CLIENT_KEYS } from './client-keys.ts';
import { findKeyProblem } from './public-key.ts';

const BASE64URL = 'base64url, without padding';
const KEY_ID = '1 to 200 printable ASCII characters';
const MAX_JWK_MEMBER_LENGTH = 2_000;

const base64url = z
  .string(BASE64URL)
  .max(MAX_JWK_MEMBER_LENGTH, `at most ${MAX_JWK_MEMBER_LENGTH} characters`)
  // one spelling only: unused bits of the last character are 0 (RFC 4648 §3.5)
  .refine((text) => text !== '' && Buffer.from(text, 'base64url').toString('base64url') === text, {
    error: BASE64URL,
    abort: true,
  });

/** A public key as a JWK (RFC 7517 §4, RFC 7518 §6) of a type with which auth verifies client assertions. */
export const PublicJwk = z
  .looseObject({}, 'a JWK')
  .refine((key) => PRIVATE_JWK_MEMBERS.every((member) => !(member in key)), 'a public key, without private members')
  .pipe(
    z.discriminatedUnion(
      'kty',
      [
        z.object({
          kty: z.literal('EC'),
          crv: z.literal('P-256', 'P-256'),
          x: base64url,
          y: base64url,
          ...commonMembers('ES256'),
        }),
        z.object({
          kty: z.literal('OKP'),
          crv: z.literal('Ed25519', 'Ed25519'),
          x: base64url,
          ...commonMembers('EdDSA', 'Ed25519'),
        }),
        z.object({ kty: z.literal('RSA'), n: base64url, e: base64url, ...commonMembers('RS256', 'PS256') }),
      ],
      'EC, OKP or RSA',
    ),
  )
  .superRefine((key, context) => {
    const problem = findKeyProblem(key);
    if (problem !== undefined) context.addIssue({ code: 'custom', path: [problem.member], message: problem.expected });
  });

/** A JWK Set with the public keys of a client (RFC 7517 §5). */
export const PublicJwks = z.object(
  {
    keys: z
      .array(PublicJwk, 'a list of keys')
      .min(1, 'at least one key')
      .max(MAX_CLIENT_KEYS, `at most ${MAX_CLIENT_KEYS} keys`),
  },
  'a JWK Set with public keys',
);

/** The members of every JWK (RFC 7517 §4), for a key that verifies signatures of `algorithms`. */
function commonMembers(...algorithms: [string, ...string[]]) {
  return {
    kid: z
      .string(KEY_ID)
      .regex(/^[\x20-\x7e]{1,200}$/, KEY_ID)
      .optional(),
    alg: z.enum(algorithms, algorithms.join(' or ')).optional(),
    use: z.literal('sig', 'sig').optional(),
    key_ops: z.tuple([z.literal('verify')], '["verify"]').optional(),
  };
}
