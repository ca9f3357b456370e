import * as z from 'zod';
import { SCOPES } from '../../shared/scopes.ts';
import { USERNAME, Username } from '../accounts/username.ts';
import { TOKEN_ENDPOINT_AUTH_METHODS } from '../clients/client-authentication-methods.ts';
import { CHOSEN_CLIENT_ID, isClientId } from '../clients/client-id.ts';
import { CLIENT_KINDS } from '../clients/client-kinds.ts';
import { CLIENT_SECRET } from '../clients/client-secret.ts';
import { PublicJwks } from '../clients/public-jwks.ts';
import { isAllowedRedirectUri, REDIRECT_URI } from '../clients/redirect-uri.ts';
import { LINK_HOURS, MAX_LINK_HOURS } from '../one-time-links/link-lifetime.ts';
import { KEY_STATUSES, LEAD_SECONDS, MAX_LEAD_SECONDS, MIN_LEAD_SECONDS } from '../signing-keys/key-life.ts';
import { SIGNING_ALGORITHMS } from '../signing-keys/signing-algorithms.ts';

const ALL_SCOPES = Object.keys(SCOPES);
const SCOPE_LIST = `a list of scopes, separated by spaces: some of ${ALL_SCOPES.join(', ')}`;
const CLIENT_ID = '1 to 100 characters of A-Z, a-z, 0-9, _ and -, which do not begin with usr_, dyn_ or http';
const CLIENT_NAME = 'a name of 1 to 200 characters, without control and format characters and line separators';
const RESOURCE = 'a resource identifier';
const JSON_OBJECT = 'a JSON object';
const BOOLEAN = 'true or false';

const MAX_RESOURCE_LENGTH = 255;
/** A declared secret is at most this long, so that a request with it stays small. */
const MAX_SECRET_LENGTH = 256;
const SECRET = `43 to ${MAX_SECRET_LENGTH} characters of A-Z, a-z, 0-9, _ and -`;
const MAX_OVERLAP_SECONDS = 2_592_000;
const MAX_REDIRECT_URIS = 10;
const MAX_AUDIT_EVENTS = 1_000;
const DEFAULT_AUDIT_EVENTS = 100;

/** Scopes in the form of RFC 6749 §3.3, separated by spaces: at least one, and each must exist. */
const scope = z
  .string(SCOPE_LIST)
  .refine((text) => text.split(' ').every((name) => ALL_SCOPES.includes(name)), SCOPE_LIST);

const clientName = z.string(CLIENT_NAME).regex(/^[^\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]{1,200}$/u, CLIENT_NAME);

/** The body of a request that registers a client, with the member names of RFC 7591 §2 where it defines them. */
export const NewClientRequest = z
  .strictObject(
    {
      client_id: z.string(CLIENT_ID).regex(CHOSEN_CLIENT_ID, CLIENT_ID).optional(),
      /** The secret that the client is to have; absent means a random one. */
      client_secret: z.string(SECRET).regex(CLIENT_SECRET, SECRET).max(MAX_SECRET_LENGTH, SECRET).optional(),
      client_name: clientName,
      scope,
      /**
       * The resources for which the client may request access tokens; absent means every resource that has one of its
       * scopes.
       */
      resources: z.array(z.url(RESOURCE), 'a list of resource identifiers').min(1, 'at least one').optional(),
      /** The resource of a client that is itself a resource server. */
      resource_server: z.url(RESOURCE).max(MAX_RESOURCE_LENGTH, `at most ${MAX_RESOURCE_LENGTH} characters`).optional(),
      token_endpoint_auth_method: z
        .enum(TOKEN_ENDPOINT_AUTH_METHODS, TOKEN_ENDPOINT_AUTH_METHODS.join(', '))
        .default('client_secret_basic'),
      /** Where authorization responses of a public client may go. On loopback any port is accepted. */
      redirect_uris: z
        .array(z.string(REDIRECT_URI).refine(isAllowedRedirectUri, REDIRECT_URI), 'a list of redirect URIs')
        .min(1, 'at least one')
        .max(MAX_REDIRECT_URIS, `at most ${MAX_REDIRECT_URIS}`)
        .optional(),
      jwks: PublicJwks.optional(),
      one_token_at_a_time: z.boolean(BOOLEAN).default(false),
    },
    JSON_OBJECT,
  )
  .refine(({ jwks, token_endpoint_auth_method: method }) => (jwks !== undefined) === (method === 'private_key_jwt'), {
    path: ['jwks'],
    message: 'public keys with private_key_jwt, and no keys with a client secret',
  })
  .refine(({ client_secret, token_endpoint_auth_method: method }) => !client_secret || hasSecret(method), {
    path: ['client_secret'],
    message: 'no secret with private_key_jwt and none',
  })
  .refine(
    ({ redirect_uris, token_endpoint_auth_method: method }) => (redirect_uris !== undefined) === (method === 'none'),
    {
      path: ['redirect_uris'],
      message: 'redirect URIs with the authentication method none, and no redirect URIs with any other',
    },
  )
  .refine(({ scope, token_endpoint_auth_method: method }) => method !== 'none' || !scope.split(' ').includes('admin'), {
    path: ['scope'],
    message: 'no scope admin for a public client',
  })
  .refine(
    ({ resource_server, token_endpoint_auth_method: method }) => method !== 'none' || resource_server === undefined,
    {
      path: ['resource_server'],
      message: 'no resource server for a public client',
    },
  )
  .refine(({ one_token_at_a_time, token_endpoint_auth_method: method }) => method !== 'none' || !one_token_at_a_time, {
    path: ['one_token_at_a_time'],
    message: 'false for a public client, which many persons use',
  });

function hasSecret(method: string): boolean {
  return method === 'client_secret_basic' || method === 'client_secret_post';
}
export type NewClientRequest = z.infer<typeof NewClientRequest>;

const OVERLAP = `seconds, 0 to ${MAX_OVERLAP_SECONDS}`;
const overlap = z.number(OVERLAP).int(OVERLAP).min(0, OVERLAP).max(MAX_OVERLAP_SECONDS, OVERLAP);

/** The body of a request that changes a client. The keys that `jwks` replaces stay valid for `overlap` seconds. */
export const ClientChanges = z
  .strictObject(
    {
      client_name: clientName,
      scope,
      active: z.boolean(BOOLEAN),
      one_token_at_a_time: z.boolean(BOOLEAN),
      jwks: PublicJwks,
      overlap,
    },
    JSON_OBJECT,
  )
  .partial()
  .refine(({ jwks, overlap }) => jwks !== undefined || overlap === undefined, {
    path: ['overlap'],
    message: 'only together with jwks',
  });
export type ClientChanges = z.infer<typeof ClientChanges>;

/** The body of a request that creates a new secret. The old secrets stay valid for `overlap` seconds. */
export const NewSecretRequest = z.strictObject({ overlap: overlap.default(0) }, JSON_OBJECT);
export type NewSecretRequest = z.infer<typeof NewSecretRequest>;

/** The body of a request that revokes one access token, or every access token of a client. */
export const NewRevocationRequest = z.union(
  [z.strictObject({ token: z.string() }), z.strictObject({ client_id: z.string() })],
  'a JSON object with either token or client_id',
);
export type NewRevocationRequest = z.infer<typeof NewRevocationRequest>;

const HOURS = `hours, 1 to ${MAX_LINK_HOURS}`;
const hours = z.number(HOURS).int(HOURS).min(1, HOURS).max(MAX_LINK_HOURS, HOURS).default(LINK_HOURS);

/** The body of a request that makes a one-time link for a new account. */
export const NewInvitationRequest = z.strictObject({ username: Username, hours }, JSON_OBJECT);
export type NewInvitationRequest = z.infer<typeof NewInvitationRequest>;

/** The body of a request that makes a one-time link with which a person gets back into an account. */
export const NewRecoveryRequest = z.strictObject({ hours }, JSON_OBJECT);
export type NewRecoveryRequest = z.infer<typeof NewRecoveryRequest>;

/** A one-time link in a response. */
export const LinkResponse = z.object({ url: z.url(), expires_at: z.iso.datetime() });
export type LinkResponse = z.infer<typeof LinkResponse>;

/** The body of a request that disables or enables an account. */
export const UserChanges = z.strictObject({ active: z.boolean(BOOLEAN) }, JSON_OBJECT);
export type UserChanges = z.infer<typeof UserChanges>;

/** An account in a response. */
export const UserResponse = z.object({
  id: z.string(),
  username: z.string(),
  active: z.boolean(),
  created_at: z.iso.datetime(),
  last_sign_in_at: z.iso.datetime().nullable(),
  passkeys: z.number(),
  has_password: z.boolean(),
  connections: z.number(),
  /** Present only in the response to a request that disabled or deleted the account. */
  revocation: z.object({ sequence: z.number() }).optional(),
});
export type UserResponse = z.infer<typeof UserResponse>;

const CONNECTION_ID = 'the id of a connection, which begins with con_';

/** The query that selects connections: all, those of an account, those of a client, or one. */
export const ConnectionQuery = z.strictObject({
  id: z
    .string()
    .regex(/^con_[A-Za-z0-9_-]{1,60}$/, CONNECTION_ID)
    .optional(),
  username: z.string(USERNAME).optional(),
  client_id: z.string().refine(isClientId, 'a client id').optional(),
});

/** A connection of a person to a client in a response. */
export const ConnectionResponse = z.object({
  id: z.string(),
  username: z.string(),
  client_id: z.string(),
  client_name: z.string(),
  scope: z.string(),
  resource: z.string(),
  redirect_host: z.string(),
  created_at: z.iso.datetime(),
  last_used_at: z.iso.datetime().nullable(),
  expires_at: z.iso.datetime(),
});
export type ConnectionResponse = z.infer<typeof ConnectionResponse>;

const SIGNS_IN = `seconds, ${MIN_LEAD_SECONDS} to ${MAX_LEAD_SECONDS}`;

/** The body of a request for another signing key, which signs after `signs_in` seconds. It is published before. */
export const NewKeyRequest = z.strictObject(
  {
    signs_in: z
      .number(SIGNS_IN)
      .int(SIGNS_IN)
      .min(MIN_LEAD_SECONDS, SIGNS_IN)
      .max(MAX_LEAD_SECONDS, SIGNS_IN)
      .default(LEAD_SECONDS),
  },
  JSON_OBJECT,
);
export type NewKeyRequest = z.infer<typeof NewKeyRequest>;

/** A signing key in a response. */
export const KeyResponse = z.object({
  /** The JWK thumbprint (RFC 7638), which is the `kid` of every token that the key signs. */
  kid: z.string(),
  alg: z.enum(SIGNING_ALGORITHMS),
  status: z.enum(KEY_STATUSES),
  created_at: z.iso.datetime(),
  signs_from: z.iso.datetime(),
  /** When it leaves the JWKS; null for the newest key. */
  published_until: z.iso.datetime().nullable(),
  revoked_at: z.iso.datetime().nullable(),
});
export type KeyResponse = z.infer<typeof KeyResponse>;

const AUDIT_LIMIT = `1 to ${MAX_AUDIT_EVENTS}`;
const EVENT_ID = 'the id of an event';

/** The query of a request that lists audit events. `before` is the id of the oldest event of the previous page. */
export const AuditQuery = z.strictObject({
  limit: z.coerce
    .number(AUDIT_LIMIT)
    .int(AUDIT_LIMIT)
    .min(1, AUDIT_LIMIT)
    .max(MAX_AUDIT_EVENTS, AUDIT_LIMIT)
    .default(DEFAULT_AUDIT_EVENTS),
  before: z.coerce.number(EVENT_ID).int(EVENT_ID).min(1, EVENT_ID).optional(),
});

/** A client in a response. */
export const ClientResponse = z.object({
  client_id: z.string(),
  /** Whether an administrator registered the client, the client itself, or its metadata document. */
  kind: z.enum(CLIENT_KINDS),
  client_name: z.string(),
  scope: z.string(),
  resources: z.array(z.string()),
  resource_server: z.string().nullable(),
  redirect_uris: z.array(z.string()),
  token_endpoint_auth_method: z.enum(TOKEN_ENDPOINT_AUTH_METHODS),
  one_token_at_a_time: z.boolean(),
  active: z.boolean(),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  /** When the client last had a live connection, to the day. */
  last_used_at: z.iso.datetime().nullable(),
  secrets: z.array(
    z.object({
      created_at: z.iso.datetime(),
      expires_at: z.iso.datetime().nullable(),
      last_used_at: z.iso.datetime().nullable(),
    }),
  ),
  /** The public keys that are valid. `thumbprint` is the JWK Thumbprint of RFC 7638. */
  keys: z.array(
    z.object({
      thumbprint: z.string(),
      kid: z.string().nullable(),
      expires_at: z.iso.datetime().nullable(),
    }),
  ),
  /** Present only in the response to the request that created the secret. */
  client_secret: z.string().optional(),
  /** Present only in the response to a request that disabled the client: the revocation of its access tokens. */
  revocation: z.object({ sequence: z.number() }).optional(),
});
export type ClientResponse = z.infer<typeof ClientResponse>;

/** How far a revocation has propagated. */
export const RevocationResponse = z.object({
  sequence: z.number(),
  /** The resource servers that have applied the revocation. */
  confirmed: z.array(z.string()),
  /** The resource servers that have not acknowledged it yet. */
  pending: z.array(z.string()),
});
export type RevocationResponse = z.infer<typeof RevocationResponse>;

/** The revocation of connections in a response. */
export const ConnectionRevocationResponse = RevocationResponse.extend({ revoked: z.array(z.string()) });
export type ConnectionRevocationResponse = z.infer<typeof ConnectionRevocationResponse>;

/** An audit event in a response. */
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
