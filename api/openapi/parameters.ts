import type * as z from 'zod';
import { IDEMPOTENCY_KEY_HOURS } from '../../shared/todo/limits.ts';
import { todo } from './examples.ts';
import { toQuerySchemas } from './json-schema.ts';
import { type Parameter, type Reference, refer } from './openapi.ts';

/** The parameters that several operations have. */
export const PARAMETERS = {
  TodoId: {
    name: 'id',
    in: 'path',
    required: true,
    description: 'The id of a todo',
    schema: { type: 'string', format: 'uuid' },
    example: todo.id,
  },
  'If-Match': {
    name: 'If-Match',
    in: 'header',
    description:
      'The ETag of the version that you have read. If the todo has another version, it stays as it is and you get 412',
    schema: { type: 'string', examples: ['"1"'] },
  },
  'If-None-Match': {
    name: 'If-None-Match',
    in: 'header',
    description:
      'The ETag of the response that you have. If it is still current, you get 304, or 412 from a request that changes something',
    schema: { type: 'string' },
  },
  'Idempotency-Key': {
    name: 'Idempotency-Key',
    in: 'header',
    description: `A new key for each request, such as a UUID. If you repeat the request with the same key within ${IDEMPOTENCY_KEY_HOURS} hours, it is not executed again and you get the first response`,
    // it may have quotation marks, escapes and parameters of a structured field (RFC 9651), which do not count
    schema: { type: 'string', minLength: 1, examples: ['5b1f3d52-9f0e-4c7e-8a42-3f1d0f6f1f4d'] },
  },
  Prefer: {
    name: 'Prefer',
    in: 'header',
    description: '`wait=25` waits up to 25 seconds for a change (RFC 7240). The maximum is 55',
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
