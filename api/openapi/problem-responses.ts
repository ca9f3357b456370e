import { invalidTodo } from './examples.ts';
import { authorizedHeaders, headers, sometimes } from './headers.ts';
import { type Header, type Reference, type Response, type Responses, refer } from './openapi.ts';
import { schema } from './schemas.ts';

/** What is answered instead of what was asked for. */
export const REFUSALS = {
  NotModified: {
    description: 'It is still what you have',
    headers: { ...authorizedHeaders('ETag'), ...sometimes('Link', 'Total-Count') },
  },
  BadRequest: problem(
    'A parameter, a header or the body is wrong: `errors` has a line for each field',
    { ...headers(), ...sometimes('RateLimit', 'RateLimit-Policy', 'WWW-Authenticate') },
    invalidTodo,
  ),
  Unauthorized: problem('There is no access token, or none that is accepted, or it was revoked meanwhile', {
    ...headers('WWW-Authenticate'),
    ...sometimes('RateLimit', 'RateLimit-Policy', 'Preference-Applied'),
  }),
  Forbidden: problem('The access token lacks the scope', authorizedHeaders('WWW-Authenticate')),
  NoSuchTodo: problem('You have no todo with this id', authorizedHeaders()),
  Conflict: problem('A request with this Idempotency-Key is running', authorizedHeaders('Retry-After')),
  Gone: problem(
    'Changes after `since` are forgotten: read the list anew, ask without `since`, and follow on from there',
    authorizedHeaders(),
  ),
  PreconditionFailed: problem('The todo is of another version than If-Match says: read it again', authorizedHeaders()),
  ContentTooLarge: problem('The body is larger than it may be', authorizedHeaders()),
  UnsupportedMediaType: problem('The body is of another media type, or has a content encoding', {
    ...authorizedHeaders(),
    ...sometimes('Accept', 'Accept-Encoding'),
  }),
  UnprocessableContent: problem('The Idempotency-Key was sent with another request before', authorizedHeaders()),
  TooManyRequests: problem('You made more requests than you may', authorizedHeaders('Retry-After')),
  ServiceUnavailable: problem('The database, or the keys of the authorization server, are out of reach', {
    ...headers('Retry-After'),
    ...sometimes('RateLimit', 'RateLimit-Policy'),
  }),
  // no operation answers these two: they are for what is none
  NothingThere: problem('There is nothing at this path', headers()),
  MethodNotAllowed: problem('The method is not possible here', headers('Allow')),
} as const satisfies Record<string, Response>;

const BY_STATUS = {
  304: 'NotModified',
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NoSuchTodo',
  409: 'Conflict',
  410: 'Gone',
  412: 'PreconditionFailed',
  413: 'ContentTooLarge',
  415: 'UnsupportedMediaType',
  422: 'UnprocessableContent',
  429: 'TooManyRequests',
  503: 'ServiceUnavailable',
} as const satisfies Record<number, keyof typeof REFUSALS>;

/** Refers to the refusals that an operation may answer, beyond those that each may. */
export function refusals(...statuses: (keyof typeof BY_STATUS)[]): Responses {
  const all = [...statuses, 400, 401, 403, 429, 503] as const;
  return Object.fromEntries(all.map((status) => [status, refer('responses', BY_STATUS[status])]));
}

function problem(description: string, headers: Record<string, Header | Reference>, example?: unknown): Response {
  return {
    description,
    headers,
    content: { 'application/problem+json': { schema: schema('Problem'), ...(example !== undefined && { example }) } },
  };
}
