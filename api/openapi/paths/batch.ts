import { MAX_BATCH_OPERATIONS } from '../../../shared/todo/limits.ts';
import { batch, batchResults } from '../examples.ts';
import { authorizedHeaders } from '../headers.ts';
import type { Paths } from '../openapi.ts';
import { parameter } from '../parameters.ts';
import { problemResponses } from '../problem-responses.ts';
import { schema } from '../schemas.ts';
import { needs } from '../security.ts';

export const BATCH_PATHS: Paths = {
  '/todos/batch': {
    post: {
      operationId: 'batchTodos',
      summary: 'Create, change, delete and restore many todos',
      description: `Executes up to ${MAX_BATCH_OPERATIONS} operations in order, either all of them or none. Scope: \`todos:write\`.`,
      tags: ['Batch'],
      security: needs('todos:write'),
      parameters: [parameter('Idempotency-Key')],
      requestBody: { required: true, content: { 'application/json': { schema: schema('Batch'), example: batch } } },
      responses: {
        200: {
          description: 'All operations were executed. The results have the order of the operations',
          headers: authorizedHeaders(),
          content: { 'application/json': { schema: schema('BatchResults'), example: batchResults } },
        },
        ...problemResponses(
          'BadRequestWithBody',
          'IdempotencyKeyInUse',
          'ContentTooLarge',
          'UnsupportedMediaType',
          'BatchRejected',
          'RateLimitedOrTooManyKeys',
          'QuotaExceeded',
          'ServiceUnavailableForWrites',
        ),
      },
    },
  },
};
