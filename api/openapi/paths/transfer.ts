import { jsonLines, todo } from '../examples.ts';
import { authorizedHeaders } from '../headers.ts';
import type { Paths } from '../openapi.ts';
import { parameter } from '../parameters.ts';
import { refusals } from '../problem-responses.ts';
import { schema } from '../schemas.ts';
import { needs } from '../security.ts';

const lines = { type: 'string', description: 'A todo as JSON in each line' } as const;

/** Export and import. */
export const TRANSFER: Paths = {
  '/todos/export': {
    get: {
      operationId: 'exportTodos',
      summary: 'Take every todo with you',
      description: 'JSON Lines, the oldest first, as fast as you read. Scope: `todos:read`.',
      tags: ['Export and import'],
      security: needs('todos:read'),
      parameters: [],
      responses: {
        200: {
          description: 'Every todo',
          headers: authorizedHeaders('Content-Disposition'),
          content: {
            'application/jsonl': {
              schema: lines,
              'x-item-schema': schema('Todo'),
              example: `${JSON.stringify(todo)}\n`,
            },
          },
        },
        ...refusals(),
      },
    },
  },
  '/todos/import': {
    post: {
      operationId: 'importTodos',
      summary: 'Bring todos with you',
      description:
        'JSON Lines as they were exported, or as much of each todo as there is: up to 10,000 todos and 10 MB. A todo whose id you have already is skipped; one without an id is new each time, unless there is an `Idempotency-Key`. Scope: `todos:write`.',
      tags: ['Export and import'],
      security: needs('todos:write'),
      parameters: [parameter('Idempotency-Key')],
      requestBody: {
        required: true,
        content: {
          'application/jsonl': { schema: lines, 'x-item-schema': schema('ImportedTodo'), example: jsonLines },
        },
      },
      responses: {
        200: {
          description: 'What became of them',
          headers: authorizedHeaders(),
          content: { 'application/json': { schema: schema('Imported'), example: { created: 2, skipped: 0 } } },
        },
        ...refusals(409, 413, 415, 422),
      },
    },
  },
};
