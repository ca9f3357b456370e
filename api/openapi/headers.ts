import { MAX_COUNT } from '../../shared/todo/limits.ts';
import { type Header, type Reference, refer } from './openapi.ts';

/** The headers of responses, as components of the document. */
export const HEADERS = {
  'X-Request-Id': {
    description: 'The id of the request, which is also in the log: the id that the client sent, or a new one',
    required: true,
    schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{8,64}$' },
  },
  RateLimit: {
    description:
      'The points that you have left (`r`), and the seconds until you have the full number again (`t`). An ordinary request costs one point',
    required: true,
    schema: { type: 'string', pattern: '^"default";r=\\d+;t=\\d+$' },
  },
  'RateLimit-Policy': {
    description: 'The number of points that you can use (`q`) in a number of seconds (`w`)',
    required: true,
    schema: { type: 'string', pattern: '^"default";q=\\d+;w=\\d+$' },
  },
  ETag: {
    description: 'Identifies this response. Send it as If-None-Match, and you get a body only if it has changed',
    required: true,
    schema: { type: 'string', pattern: '^"[^"]+"$' },
  },
  'Todo-ETag': {
    description: 'The version of the todo. Send it as If-Match to change only this version',
    required: true,
    schema: { type: 'string', pattern: '^"\\d+"$' },
  },
  Link: {
    description: 'The next page (RFC 8288), if there is one',
    schema: { type: 'string', pattern: '^<[^>]+>; rel="next"$' },
  },
  'Total-Count': {
    description: `The number of todos on all pages, up to ${MAX_COUNT.toLocaleString('en')}. Only if \`count\` is true`,
    schema: { type: 'integer', minimum: 0, maximum: MAX_COUNT },
  },
  Location: { description: 'The URL of the todo', required: true, schema: { type: 'string', format: 'uri' } },
  'Preference-Applied': { description: 'The API has applied `Prefer: wait` (RFC 7240)', schema: { const: 'wait' } },
  'Content-Disposition': { description: 'A name for the file', required: true, schema: { type: 'string' } },
  'Retry-After': {
    description: 'Seconds to wait before a retry',
    required: true,
    schema: { type: 'integer', minimum: 1 },
  },
  'WWW-Authenticate': {
    description:
      'What is wrong with the access token (RFC 6750 §3), and the metadata that says where to get one (RFC 9728 §5.1)',
    required: true,
    schema: { type: 'string', pattern: '^Bearer .*resource_metadata="[^"]+"' },
  },
} as const satisfies Record<string, Header>;

/** Headers of one response, which describes them in place. */
const OTHER_HEADERS = {
  Allow: { description: 'The methods that are allowed', schema: { type: 'string' } },
  Accept: { description: 'The media type that is supported', schema: { type: 'string' } },
  'Accept-Patch': { description: 'The media types that PATCH supports (RFC 5789)', schema: { type: 'string' } },
  'Accept-Encoding': { description: 'The content encoding that is supported', schema: { const: 'identity' } },
} as const satisfies Record<string, Header>;

type Name = keyof typeof HEADERS;

/** Refers to headers by their names. Every response also has `X-Request-Id`. */
export function headers(...names: Exclude<Name, 'Todo-ETag'>[]): Record<string, Reference> {
  return Object.fromEntries(['X-Request-Id', ...names].map((name) => [name, refer('headers', name)]));
}

/** The headers of a response to a request whose access token is valid. */
export function authorizedHeaders(...names: Exclude<Name, 'Todo-ETag'>[]): Record<string, Reference> {
  return headers('RateLimit', 'RateLimit-Policy', ...names);
}

/** The headers of a response with one todo, whose version is the entity tag. */
export function todoHeaders(...names: Exclude<Name, 'Todo-ETag' | 'ETag'>[]): Record<string, Reference> {
  return { ...authorizedHeaders(...names), ETag: refer('headers', 'Todo-ETag') };
}

/** Headers that a response has only in some cases. */
export function sometimes(
  ...names: (Exclude<Name, 'Todo-ETag'> | keyof typeof OTHER_HEADERS)[]
): Record<string, Header> {
  const described = { ...HEADERS, ...OTHER_HEADERS };
  return Object.fromEntries(names.map((name) => [name, { ...described[name], required: false }]));
}
