import * as z from 'zod';
import { SCOPES } from '../../shared/scopes.ts';
import { CLIENT_AUTHENTICATION_METHODS } from '../clients/client-authentication-methods.ts';
import { PRIVATE_JWK_MEMBERS } from '../signing-keys/public-jwk.ts';

const ALL = Object.keys(SCOPES);
const scopeList = `a list of scopes, space-separated: some of ${ALL.join(', ')}`;

/** Scopes as OAuth writes them, with a space between: at least one, and none that does not exist. */
const scope = z
  .string(scopeList)
  .refine((text) => text.split(' ').length > 0 && text.split(' ').every((name) => ALL.includes(name)), scopeList);

const clientId = z
  .string('1 to 100 letters of A-Z, a-z, 0-9, _ and -')
  .regex(/^[A-Za-z0-9_-]{1,100}$/, '1 to 100 letters of A-Z, a-z, 0-9, _ and -');
const aName = 'a name of 1 to 200 characters, without control characters';
const clientName = z.string(aName).regex(/^[^\p{Cc}\p{Cs}]{1,200}$/u, aName);

const base64url = z
  .string('base64url, without padding')
  .max(2_000, 'at most 2000 letters')
  .regex(/^[A-Za-z0-9_-]+$/, 'base64url, without padding');
const keyId = z.string('1 to 200 printable letters').regex(/^[\x20-\x7e]{1,200}$/, '1 to 200 printable letters');

/** A public key as a JWK (RFC 7517 §4, RFC 7518 §6), of the kinds that verify client assertions. */
const PublicJwk = z
  .looseObject({}, 'a JWK')
  .refine((key) => PRIVATE_JWK_MEMBERS.every((member) => !(member in key)), 'a public key, without its private half')
  .pipe(
    z.discriminatedUnion(
      'kty',
      [
        z.object({
          kty: z.literal('EC'),
          crv: z.literal('P-256', 'P-256'),
          x: base64url,
          y: base64url,
          ...about('ES256'),
        }),
        z.object({
          kty: z.literal('OKP'),
          crv: z.literal('Ed25519', 'Ed25519'),
          x: base64url,
          ...about('EdDSA', 'Ed25519'),
        }),
        z.object({ kty: z.literal('RSA'), n: base64url, e: base64url, ...about('RS256', 'PS256') }),
      ],
      'EC, OKP or RSA',
    ),
  );

function about(...algorithms: [string, ...string[]]) {
  return {
    kid: keyId.optional(),
    alg: z.enum(algorithms, algorithms.join(' or ')).optional(),
    use: z.literal('sig', 'sig').optional(),
    key_ops: z.tuple([z.literal('verify')], '["verify"]').optional(),
  };
}

/** What registers a client, in the words of RFC 7591 §2 where it has them. */
export const NewClientRequest = z
  .strictObject(
    {
      client_id: clientId.optional(),
      client_name: clientName,
      scope,
      /** The resource identifiers that it may ask access tokens for; absent: every one at which it may have a scope. */
      resources: z
        .array(z.url('a resource identifier'), 'a list of resource identifiers')
        .min(1, 'at least one')
        .optional(),
      /** The resource identifier that it answers at, when it is a resource server itself. */
      resource_server: z.url('a resource identifier').max(255, 'at most 255 characters').optional(),
      token_endpoint_auth_method: z
        .enum(CLIENT_AUTHENTICATION_METHODS, CLIENT_AUTHENTICATION_METHODS.join(', '))
        .default('client_secret_basic'),
      jwks: z
        .object(
          { keys: z.array(PublicJwk, 'a list of keys').min(1, 'at least one key').max(20, 'at most 20 keys') },
          'a JWK Set with public keys',
        )
        .optional(),
      one_token_at_a_time: z.boolean('true or false').default(false),
    },
    'a JSON object',
  )
  .refine(({ jwks, token_endpoint_auth_method: method }) => (jwks !== undefined) === (method === 'private_key_jwt'), {
    path: ['jwks'],
    message: 'public keys with private_key_jwt, and none with a secret',
  });
export type NewClientRequest = z.infer<typeof NewClientRequest>;

/** What changes a client. */
export const ClientChanges = z
  .strictObject(
    {
      client_name: clientName,
      scope,
      active: z.boolean('true or false'),
      one_token_at_a_time: z.boolean('true or false'),
    },
    'a JSON object',
  )
  .partial();
export type ClientChanges = z.infer<typeof ClientChanges>;

/** What makes a client a new secret: the old ones stay good for `overlap` seconds. */
export const NewSecretRequest = z.strictObject(
  {
    overlap: z
      .number('seconds, 0 to 2592000')
      .int('seconds, 0 to 2592000')
      .min(0, 'seconds, 0 to 2592000')
      .max(2_592_000, 'seconds, 0 to 2592000')
      .default(0),
  },
  'a JSON object',
);

/** What takes access back: a token, or every token of a client. */
export const NewRevocationRequest = z.union(
  [z.strictObject({ token: z.string() }), z.strictObject({ client_id: z.string() })],
  'a JSON object with either token or client_id',
);

/** A client as it is shown. */
export const ClientResponse = z.object({
  client_id: z.string(),
  client_name: z.string(),
  scope: z.string(),
  resources: z.array(z.string()),
  resource_server: z.string().nullable(),
  token_endpoint_auth_method: z.enum(CLIENT_AUTHENTICATION_METHODS),
  one_token_at_a_time: z.boolean(),
  active: z.boolean(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  secrets: z.array(
    z.object({
      created_at: z.iso.datetime(),
      expires_at: z.iso.datetime().nullable(),
      last_used_at: z.iso.datetime().nullable(),
    }),
  ),
  /** Only in the answer that made it. */
  client_secret: z.string().optional(),
});
export type ClientResponse = z.infer<typeof ClientResponse>;

/** How far a revocation has come. */
export const RevocationResponse = z.object({
  sequence: z.number(),
  /** The resource servers that have applied it, and those that have not said so yet. */
  confirmed: z.array(z.string()),
  pending: z.array(z.string()),
});
export type RevocationResponse = z.infer<typeof RevocationResponse>;

/** An event of the audit. */
export const AuditEventResponse = z.object({
  id: z.number(),
  at: z.iso.datetime(),
  actor: z.string().nullable(),
  action: z.string(),
  target: z.string().nullable(),
  address: z.string().nullable(),
  request_id: z.string().nullable(),
  outcome: z.enum(['success', 'refused']),
  detail: z.record(z.string(), z.unknown()),
});
export type AuditEventResponse = z.infer<typeof AuditEventResponse>;
