import { MAX_COUNT } from '../../shared/todo/limits.ts';
import { type Header, type Reference, refer } from './openapi.ts';

/** The headers of the answers. */
export const HEADERS = {
  'X-Request-Id': {
    description: 'The id of the request, which is in the log: the one that it came with, or a new one',
    required: true,
    schema: { type: 'string', pattern: '^[A-Za-z0-9_-]{8,64}$' },
  },
  RateLimit: {
    description: 'Requests that are left, and seconds until they are as many as at first',
    required: true,
    schema: { type: 'string', pattern: '^"default";r=\\d+;t=\\d+$' },
  },
  'RateLimit-Policy': {
    description: 'Requests that you may make, and in how many seconds',
    required: true,
    schema: { type: 'string', pattern: '^"default";q=\\d+;w=\\d+$' },
  },
  ETag: {
    description: 'Stands for what was answered: send it as If-None-Match to read it again when it changed only',
    required: true,
    schema: { type: 'string', pattern: '^"[^"]+"$' },
  },
  'Todo-ETag': {
    description: 'The version of the todo: send it as If-Match to change no other',
    required: true,
    schema: { type: 'string', pattern: '^"\\d+"$' },
  },
  Link: {
    description: 'The next page (RFC 8288), when there is one',
    schema: { type: 'string', pattern: '^<[^>]+>; rel="next"$' },
  },
  'Total-Count': {
    description: `The number of todos on all pages, up to ${MAX_COUNT.toLocaleString('en')}. Only when \`count\` is true`,
    schema: { type: 'integer', minimum: 0, maximum: MAX_COUNT },
  },
  Location: { description: 'Where the todo is', required: true, schema: { type: 'string', format: 'uri' } },
  'Preference-Applied': { description: 'The request was let wait (RFC 7240)', schema: { const: 'wait' } },
  'Content-Disposition': { description: 'The name of the file', required: true, schema: { type: 'string' } },
  'Retry-After': {
    description: 'Seconds until it is worth another try',
    required: true,
    schema: { type: 'integer', minimum: 1 },
  },
  'WWW-Authenticate': {
    description: 'What is wrong with the access token (RFC 6750 §3), and where to get one (RFC 9728 §5.1)',
    required: true,
    schema: { type: 'string', pattern: '^Bearer .*resource_metadata="[^"]+"' },
  },
  Allow: { description: 'The methods that are possible', required: true, schema: { type: 'string' } },
  Accept: { description: 'The media type to send', schema: { type: 'string' } },
  'Accept-Encoding': { description: 'The content encoding to send', schema: { const: 'identity' } },
} as const satisfies Record<string, Header>;

type Name = keyof typeof HEADERS;

/** Refers to headers by their names. */
export function headers(...names: Exclude<Name, 'Todo-ETag'>[]): Record<string, Reference> {
  return Object.fromEntries(['X-Request-Id', ...names].map((name) => [name, refer('headers', name)]));
}

/** The same, of an answer to an access token that was accepted. */
export function authorizedHeaders(...names: Exclude<Name, 'Todo-ETag'>[]): Record<string, Reference> {
  return headers('RateLimit', 'RateLimit-Policy', ...names);
}

/** The same, with the version of a todo as the entity tag. */
export function todoHeaders(...names: Exclude<Name, 'Todo-ETag' | 'ETag'>[]): Record<string, Reference> {
  return { ...authorizedHeaders(...names), ETag: refer('headers', 'Todo-ETag') };
}

/** A header that is there in some cases only. */
export function sometimes(...names: Exclude<Name, 'Todo-ETag'>[]): Record<string, Header> {
  return Object.fromEntries(names.map((name) => [name, { ...HEADERS[name], required: false }]));
}
