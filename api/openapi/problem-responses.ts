import { PROBLEMS, type ProblemCode } from '../../shared/todo/problems.ts';
import { invalidTodo, rejectedBatch } from './examples.ts';
import { authorizedHeaders, headers, sometimes } from './headers.ts';
import { toJsonSchema } from './json-schema.ts';
import { type Header, type Reference, type Response, type Responses, refer } from './openapi.ts';
import { createProblemSchema } from './problem-schema.ts';

const rateLimitHeaders = sometimes('RateLimit', 'RateLimit-Policy');
const badRequestHeaders = { ...headers(), ...rateLimitHeaders, ...sometimes('WWW-Authenticate') };
const unavailableHeaders = { ...headers('Retry-After'), ...rateLimitHeaders };

/** The responses to a rejected request, each with the codes of its problems. All codes of a response have its status. */
const PROBLEM_RESPONSES = {
  BadRequest: problem(['invalid_request', 'malformed_authorization'], badRequestHeaders, invalidTodo),
  BadRequestWithBody: problem(
    ['invalid_request', 'malformed_json', 'malformed_authorization'],
    badRequestHeaders,
    invalidTodo,
  ),
  Unauthorized: problem(
    [
      'access_token_missing',
      'access_token_invalid',
      'access_token_expired',
      'access_token_revoked',
      'access_token_wrong_audience',
    ],
    { ...headers('WWW-Authenticate'), ...rateLimitHeaders, ...sometimes('Preference-Applied') },
  ),
  InsufficientScope: problem(['insufficient_scope'], authorizedHeaders('WWW-Authenticate')),
  TodoNotFound: problem(['todo_not_found'], authorizedHeaders()),
  IdempotencyKeyInUse: problem(['idempotency_key_in_use'], authorizedHeaders('Retry-After')),
  ChangesExpired: problem(['changes_expired'], authorizedHeaders()),
  VersionMismatch: problem(['version_mismatch'], authorizedHeaders()),
  ContentTooLarge: problem(['content_too_large'], authorizedHeaders()),
  UnsupportedMediaType: problem(['unsupported_media_type', 'unsupported_content_encoding'], {
    ...authorizedHeaders(),
    ...sometimes('Accept', 'Accept-Patch', 'Accept-Encoding'),
  }),
  IdempotencyKeyReused: problem(['idempotency_key_reused'], authorizedHeaders()),
  BatchRejected: problem(['batch_rejected', 'idempotency_key_reused'], authorizedHeaders(), rejectedBatch),
  RateLimited: problem(['rate_limited', 'too_many_concurrent_requests'], authorizedHeaders('Retry-After')),
  RateLimitedOrTooManyKeys: problem(
    ['rate_limited', 'too_many_concurrent_requests', 'idempotency_quota_exceeded'],
    authorizedHeaders('Retry-After'),
  ),
  QuotaExceeded: problem(['quota_exceeded'], authorizedHeaders()),
  InternalError: problem(['internal_error'], { ...headers(), ...rateLimitHeaders }),
  ServiceUnavailable: problem(['database_unavailable', 'authorization_server_unavailable'], unavailableHeaders),
  ServiceUnavailableForWrites: problem(
    ['database_unavailable', 'authorization_server_unavailable', 'too_many_concurrent_writes'],
    unavailableHeaders,
  ),
};

/** The responses for a path or a method that has no operation. A document can describe them only in its text. */
export const RESPONSES_WITHOUT_OPERATION = {
  404: problem(['not_found'], headers()).response,
  405: problem(['method_not_allowed'], { ...headers(), ...sometimes('Allow') }).response,
} as const;

/** The problem responses as components of the document. */
export const PROBLEM_COMPONENTS: Readonly<Record<string, Response>> = Object.fromEntries(
  Object.entries(PROBLEM_RESPONSES).map(([name, { response }]) => [name, response]),
);

/**
 * The responses that every operation has when its request is rejected, and those that `names` adds. A name replaces a
 * response with the same status.
 */
export function problemResponses(...names: (keyof typeof PROBLEM_RESPONSES)[]): Responses {
  const common = [
    'BadRequest',
    'Unauthorized',
    'InsufficientScope',
    'RateLimited',
    'InternalError',
    'ServiceUnavailable',
  ] as const;
  return Object.fromEntries(
    [...common, ...names].map((name) => [PROBLEM_RESPONSES[name].status, refer('responses', name)]),
  );
}

function problem(
  codes: readonly [ProblemCode, ...ProblemCode[]],
  headers: Record<string, Header | Reference>,
  example?: unknown,
): { readonly status: number; readonly response: Response } {
  const { status } = PROBLEMS[codes[0]];
  if (codes.some((code) => PROBLEMS[code].status !== status)) throw new TypeError(`${codes}: expected one status`);
  const schema = toJsonSchema('output', createProblemSchema(codes));
  const content = { 'application/problem+json': { schema, ...(example !== undefined && { example }) } };
  return { status, response: { description: describeCodes(codes), headers, content } };
}

function describeCodes(codes: readonly ProblemCode[]): string {
  return codes.map((code) => `\`${code}\`: ${PROBLEMS[code].meaning}`).join('\n\n');
}
