import type * as z from 'zod';
import { toQuerySchemas } from './json-schema.ts';
import { type Parameter, type Reference, refer } from './openapi.ts';

/** The parameters that more than one operation has. */
export const PARAMETERS = {
  TodoId: {
    name: 'id',
    in: 'path',
    required: true,
    description: 'The id of a todo',
    schema: { type: 'string', format: 'uuid' },
  },
  'If-Match': {
    name: 'If-Match',
    in: 'header',
    description:
      'The ETag of the version to change: when the todo has another by now, nothing is done and 412 answered',
    schema: { type: 'string', examples: ['"1"'] },
  },
  'If-None-Match': {
    name: 'If-None-Match',
    in: 'header',
    description: 'The ETag of what you have: 304 when it is still so',
    schema: { type: 'string' },
  },
  'Idempotency-Key': {
    name: 'Idempotency-Key',
    in: 'header',
    description:
      'Up to 255 characters of your choice, a UUID say: the same request with the same key is done once, and answered alike for 24 hours',
    schema: { type: 'string', minLength: 1, maxLength: 257 },
  },
  Prefer: {
    name: 'Prefer',
    in: 'header',
    description: '`wait=25` waits up to 25 seconds, and never longer than 55, until there is a change (RFC 7240)',
    schema: { type: 'string', examples: ['wait=25'] },
  },
} as const satisfies Record<string, Parameter>;

/** Refers to a parameter by its name. */
export function parameter(name: keyof typeof PARAMETERS): Reference {
  return refer('parameters', name);
}

/** The parameters of a query. */
export function queryParameters(query: z.ZodType): Parameter[] {
  return Object.entries(toQuerySchemas(query)).map(([name, { description, ...schema }]) => ({
    name,
    in: 'query',
    ...(description !== undefined && { description }),
    schema,
  }));
}
