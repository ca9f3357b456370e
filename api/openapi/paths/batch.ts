import { batch, todo } from '../examples.ts';
import { authorizedHeaders } from '../headers.ts';
import type { Paths } from '../openapi.ts';
import { parameter } from '../parameters.ts';
import { refusals } from '../problem-responses.ts';
import { schema } from '../schemas.ts';
import { needs } from '../security.ts';

/** Many operations at once. */
export const BATCH: Paths = {
  '/todos/batch': {
    post: {
      operationId: 'batchTodos',
      summary: 'Create, change, delete and restore many todos',
      description:
        'Up to 50 operations in their order: all of them are done, or nothing and 422. Scope: `todos:write`.',
      tags: ['Many at once'],
      security: needs('todos:write'),
      parameters: [parameter('Idempotency-Key')],
      requestBody: { required: true, content: { 'application/json': { schema: schema('Batch'), example: batch } } },
      responses: {
        200: {
          description: 'Everything was done: a result for each operation, in their order',
          headers: authorizedHeaders(),
          content: {
            'application/json': {
              schema: schema('BatchResults'),
              example: {
                results: [
                  { status: 201, id: todo.id, todo },
                  { status: 200, id: todo.id },
                ],
              },
            },
          },
        },
        ...refusals(409, 413, 415),
        422: {
          description: 'Nothing was done, for an operation was refused; or the Idempotency-Key is another request’s',
          headers: authorizedHeaders(),
          content: {
            'application/problem+json': {
              schema: schema('BatchProblem'),
              example: {
                type: 'about:blank',
                title: 'Unprocessable Entity',
                status: 422,
                code: 'batch_rejected',
                detail: '1 of 2 operations were rejected, so none was executed',
                errors: [{ field: 'operations.1.id', expected: 'the id of one of your todos' }],
                results: [
                  {
                    status: 424,
                    code: 'operation_not_executed',
                    detail: 'Not executed because another operation was rejected',
                  },
                  { status: 404, code: 'todo_not_found', detail: 'There is no todo with this id' },
                ],
              },
            },
          },
        },
      },
    },
  },
};
