import { TodoListQuery } from '../../../shared/todo/list-query.ts';
import { newTodo, todo } from '../examples.ts';
import { authorizedHeaders, todoHeaders } from '../headers.ts';
import type { Paths } from '../openapi.ts';
import { parameter, queryParameters } from '../parameters.ts';
import { refusals } from '../problem-responses.ts';
import { schema } from '../schemas.ts';
import { needs } from '../security.ts';

/** The list. */
export const TODOS: Paths = {
  '/todos': {
    get: {
      operationId: 'listTodos',
      summary: 'List todos',
      description:
        'Filters that all hold, an order, and a page. Follow the `Link` header to the next page: it shows each todo once, whatever is added or removed meanwhile. Scope: `todos:read`.',
      tags: ['Todos'],
      security: needs('todos:read'),
      parameters: [...queryParameters(TodoListQuery), parameter('If-None-Match')],
      responses: {
        200: {
          description: 'A page of the list',
          headers: authorizedHeaders('ETag', 'Link', 'Total-Count'),
          content: { 'application/json': { schema: schema('TodoList'), example: [todo] } },
        },
        ...refusals(304),
      },
    },
    post: {
      operationId: 'createTodo',
      summary: 'Create a todo',
      description:
        'Only the title is needed. With an `Idempotency-Key` you can send it again without creating a second one. Scope: `todos:write`.',
      tags: ['Todos'],
      security: needs('todos:write'),
      parameters: [parameter('Idempotency-Key')],
      requestBody: {
        required: true,
        content: { 'application/json': { schema: schema('NewTodo'), example: newTodo } },
      },
      responses: {
        201: {
          description: 'The todo',
          headers: todoHeaders('Location'),
          content: { 'application/json': { schema: schema('Todo'), example: todo } },
        },
        ...refusals(409, 413, 415, 422),
      },
    },
  },
};
