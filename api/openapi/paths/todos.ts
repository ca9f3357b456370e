import { TodoListQuery } from '../../../shared/todo/list-query.ts';
import { newTodo, todo } from '../examples.ts';
import { authorizedHeaders, todoHeaders } from '../headers.ts';
import { notModified } from '../not-modified.ts';
import type { Paths } from '../openapi.ts';
import { parameter, queryParameters } from '../parameters.ts';
import { problemResponses } from '../problem-responses.ts';
import { schema } from '../schemas.ts';
import { needs } from '../security.ts';

export const TODOS_PATHS: Paths = {
  '/todos': {
    get: {
      operationId: 'listTodos',
      summary: 'List todos',
      description:
        'Returns the todos that match all filters, one page at a time. Follow the `Link` header to the next page: you get each todo once, even if other todos are added or removed. Scope: `todos:read`.',
      tags: ['Todos'],
      security: needs('todos:read'),
      parameters: [...queryParameters(TodoListQuery), parameter('If-None-Match')],
      responses: {
        200: {
          description: 'A page of the list',
          headers: authorizedHeaders('ETag', 'Link', 'Total-Count'),
          content: { 'application/json': { schema: schema('TodoList'), example: [todo] } },
        },
        ...notModified,
        ...problemResponses(),
      },
    },
    post: {
      operationId: 'createTodo',
      summary: 'Create a todo',
      description:
        'Only `title` is required. With an `Idempotency-Key` you can repeat the request without creating a second todo. Scope: `todos:write`.',
      tags: ['Todos'],
      security: needs('todos:write'),
      parameters: [parameter('Idempotency-Key')],
      requestBody: {
        required: true,
        content: { 'application/json': { schema: schema('NewTodo'), example: newTodo } },
      },
      responses: {
        201: {
          description: 'The new todo',
          headers: todoHeaders('Location'),
          content: { 'application/json': { schema: schema('Todo'), example: todo } },
        },
        ...problemResponses(
          'BadRequestWithBody',
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
