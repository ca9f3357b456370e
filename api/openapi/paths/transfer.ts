import { JSON_LINES, writeJsonLines } from '../../../shared/todo/json-lines.ts';
import { MAX_IMPORT_BYTES, MAX_IMPORT_LINES } from '../../../shared/todo/limits.ts';
import { ImportedTodo } from '../../../shared/todo/todo.ts';
import { jsonLines, todo } from '../examples.ts';
import { authorizedHeaders } from '../headers.ts';
import { toJsonSchema } from '../json-schema.ts';
import type { Paths } from '../openapi.ts';
import { parameter } from '../parameters.ts';
import { problemResponses } from '../problem-responses.ts';
import { schema } from '../schemas.ts';
import { needs } from '../security.ts';

const lines = { type: 'string', description: 'One todo as JSON per line' } as const;

/** Export and import. */
export const TRANSFER_PATHS: Paths = {
  '/todos/export': {
    get: {
      operationId: 'exportTodos',
      summary: 'Export all todos',
      description: 'Returns all todos as JSON Lines, the oldest first. Scope: `todos:read`.',
      tags: ['Export and import'],
      security: needs('todos:read'),
      parameters: [],
      responses: {
        200: {
          description: 'All todos',
          headers: authorizedHeaders('Content-Disposition'),
          content: {
            [JSON_LINES]: {
              schema: lines,
              'x-item-schema': schema('Todo'),
              example: writeJsonLines([todo]),
            },
          },
        },
        ...problemResponses(),
      },
    },
  },
  '/todos/import': {
    post: {
      operationId: 'importTodos',
      summary: 'Import todos',
      description: `The body has JSON Lines as an export returns them; each todo may have only some of its fields, and \`completed_at\` only with \`completed: true\`. At most ${MAX_IMPORT_LINES.toLocaleString('en')} lines and ${MAX_IMPORT_BYTES / 1_000_000} MB. A todo whose id you already have is skipped. A todo without an id is created again each time, unless you send an \`Idempotency-Key\`. Scope: \`todos:write\`.`,
      tags: ['Export and import'],
      security: needs('todos:write'),
      parameters: [parameter('Idempotency-Key')],
      requestBody: {
        required: true,
        content: {
          [JSON_LINES]: {
            schema: lines,
            'x-item-schema': toJsonSchema('input', ImportedTodo),
            example: jsonLines,
          },
        },
      },
      responses: {
        200: {
          description: 'The number of todos that were created, and that were skipped',
          headers: authorizedHeaders(),
          content: { 'application/json': { schema: schema('Imported'), example: { created: 2, skipped: 0 } } },
        },
        ...problemResponses(
          'IdempotencyKeyInUse',
          'ContentTooLarge',
          'UnsupportedMediaType',
          'IdempotencyKeyReused',
          'RateLimitedOrTooManyKeys',
          'QuotaExceeded',
          'ServiceUnavailableForWrites',
        ),
      },
    },
  },
};
