import * as z from 'zod';

type ProblemDefinition = {
  /** The HTTP status of every response with this code. */
  readonly status: number;
  /** What the code means, for readers of the OpenAPI document. */
  readonly meaning: string;
  /** The members of such a problem in addition to those of RFC 9457. A program reads numbers here, never in a sentence. */
  readonly members?: z.ZodObject;
};

const position = z.int().nonnegative();

/**
 * Every problem in a response of yata, by its `code`. A program decides by the code and reads the members. `detail` is for
 * people and may change.
 */
export const PROBLEMS = {
  invalid_request: {
    status: 400,
    meaning: 'A parameter, a header or the body is not valid. `errors` has an entry for each field.',
  },
  malformed_json: { status: 400, meaning: 'The body is not JSON in UTF-8.' },
  malformed_authorization: { status: 400, meaning: 'The Authorization header is not `Bearer` and an access token.' },
  access_token_missing: { status: 401, meaning: 'The request has no access token.' },
  access_token_invalid: { status: 401, meaning: 'The access token is not valid.' },
  access_token_expired: { status: 401, meaning: 'The access token has expired. Get a new one.' },
  access_token_revoked: { status: 401, meaning: 'The access token was revoked.' },
  access_token_wrong_audience: { status: 401, meaning: 'The access token was issued for another resource.' },
  insufficient_scope: { status: 403, meaning: 'The access token lacks a scope that the operation needs.' },
  host_not_allowed: { status: 403, meaning: 'The Host header is not that of this server.' },
  origin_not_allowed: { status: 403, meaning: 'The Origin header is not one from which requests are allowed.' },
  not_found: { status: 404, meaning: 'There is nothing at this path.' },
  todo_not_found: { status: 404, meaning: 'The subject of the access token has no todo with this id.' },
  user_not_found: { status: 404, meaning: 'There is no account with this user name.' },
  connection_not_found: { status: 404, meaning: 'There is no connection with this id.' },
  client_not_found: { status: 404, meaning: 'There is no client with this id.' },
  signing_key_not_found: { status: 404, meaning: 'There is no signing key with this id.' },
  method_not_allowed: { status: 405, meaning: 'The method is not allowed here. `Allow` lists the methods that are.' },
  not_acceptable: { status: 406, meaning: 'No media type in which this server can answer is in `Accept`.' },
  client_disconnected: { status: 408, meaning: 'The client closed the connection before the request was executed.' },
  idempotency_key_in_use: { status: 409, meaning: 'A request with this Idempotency-Key is still running.' },
  client_exists: { status: 409, meaning: 'There is a client with this id.' },
  user_exists: { status: 409, meaning: 'There is an account with this user name.' },
  client_has_no_secret: { status: 409, meaning: 'The client authenticates with a key and has no secret.' },
  client_has_no_keys: { status: 409, meaning: 'The client authenticates with a secret and has no keys.' },
  last_administrator: { status: 409, meaning: 'The change would leave no active client with the scope `admin`.' },
  changes_expired: {
    status: 410,
    meaning: 'The changes after `since` are no longer kept. List the todos, then read on from the newest change.',
    members: z.object({ oldest: position, newest: position }),
  },
  version_mismatch: {
    status: 412,
    meaning: 'The todo has another version than the request names. Read it again.',
    members: z.object({ current_version: z.int().positive() }),
  },
  content_too_large: {
    status: 413,
    meaning: 'The request, or a part of it, is larger than `limit`.',
    members: z.object({ limit: z.int().positive(), unit: z.enum(['bytes', 'characters', 'lines']) }),
  },
  unsupported_media_type: { status: 415, meaning: 'The body has a media type that is not supported here.' },
  unsupported_content_encoding: { status: 415, meaning: 'The body has a content encoding. Send it without one.' },
  batch_rejected: {
    status: 422,
    meaning: 'At least one operation of the batch was rejected, so none was executed.',
    members: z.object({
      results: z
        .array(
          z.object({
            status: z.int().min(400).max(599),
            code: z.enum(['todo_not_found', 'version_mismatch', 'operation_not_executed']),
            detail: z.string(),
            current_version: z.int().positive().optional(),
          }),
        )
        .describe('One entry for each operation, in order. An operation with 424 is itself valid'),
    }),
  },
  idempotency_key_reused: { status: 422, meaning: 'This Idempotency-Key was sent with a different request.' },
  operation_not_executed: { status: 424, meaning: 'Another operation of the batch was rejected.' },
  rate_limited: {
    status: 429,
    meaning: 'The subject used more than `limit` points in `window_seconds`. `Retry-After` says when to retry.',
    members: z.object({ limit: z.int().positive(), window_seconds: z.int().positive() }),
  },
  too_many_registrations: {
    status: 429,
    meaning: 'More than `limit` clients were registered from this address in `window_seconds`.',
    members: z.object({ limit: z.int().positive(), window_seconds: z.int().positive() }),
  },
  too_many_concurrent_requests: {
    status: 429,
    meaning:
      'The subject has `limit` unfinished requests, imports, exports or requests with a large body. Read their responses, then retry after `Retry-After`.',
    members: z.object({
      limit: z.int().positive(),
      unit: z.enum(['requests', 'large_bodies', 'imports', 'exports']),
    }),
  },
  idempotency_quota_exceeded: {
    status: 429,
    meaning:
      'The subject has sent too many requests with an Idempotency-Key in 24 hours: their responses are kept. Send the request without a key, or retry after `Retry-After`.',
    members: z.object({
      limit: z.int().positive(),
      used: z.int().nonnegative(),
      unit: z.enum(['keys', 'bytes']),
    }),
  },
  quota_exceeded: {
    status: 507,
    meaning:
      'The subject would store more than `limit` todos or bytes of text. `used` is what it stores now. Deleted todos count until they are purged.',
    members: z.object({
      limit: z.int().positive(),
      used: z.int().nonnegative(),
      unit: z.enum(['todos', 'bytes']),
    }),
  },
  internal_error: { status: 500, meaning: 'The server has a fault. It is logged with the request id.' },
  database_unavailable: {
    status: 503,
    meaning: 'The database cannot be reached, or too many requests wait for it. Retry after `Retry-After`.',
  },
  authorization_server_unavailable: {
    status: 503,
    meaning: 'The keys or status lists of the authorization server cannot be fetched. Retry after `Retry-After`.',
  },
  too_many_concurrent_writes: {
    status: 503,
    meaning: 'Too many writes of the same todos run at once. Retry after `Retry-After`.',
  },
} as const satisfies Record<string, ProblemDefinition>;

export type ProblemCode = keyof typeof PROBLEMS;

/** The members of the problem with a code, in addition to those of RFC 9457. */
export type ProblemMembers<Code extends ProblemCode> = (typeof PROBLEMS)[Code] extends {
  readonly members: infer Members extends z.ZodType;
}
  ? z.infer<Members>
  : undefined;
