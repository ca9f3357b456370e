import { todo, todoChanges } from '../examples.ts';
import { authorizedHeaders, todoHeaders } from '../headers.ts';
import type { Paths, Response } from '../openapi.ts';
import { parameter } from '../parameters.ts';
import { refusals } from '../problem-responses.ts';
import { schema } from '../schemas.ts';
import { needs } from '../security.ts';

const asItIsNow: Response = {
  description: 'The todo as it is now',
  headers: todoHeaders(),
  content: { 'application/json': { schema: schema('Todo'), example: todo } },
};

const changes = { schema: schema('TodoChanges'), example: todoChanges };

/** One todo. */
export const TODO: Paths = {
  '/todos/{id}': {
    get: {
      operationId: 'getTodo',
      summary: 'Read a todo',
      description: "Somebody else's todo is as absent as one that never was. Scope: `todos:read`.",
      tags: ['Todos'],
      security: needs('todos:read'),
      parameters: [parameter('TodoId'), parameter('If-None-Match')],
      responses: { 200: asItIsNow, ...refusals(304, 404) },
    },
    patch: {
      operationId: 'updateTodo',
      summary: 'Change a todo',
      description:
        'A merge patch (RFC 7396): a field that is sent is changed, `null` clears it, what is absent stays. When that changes nothing, the version stays too. Scope: `todos:write`.',
      tags: ['Todos'],
      security: needs('todos:write'),
      parameters: [parameter('TodoId'), parameter('If-Match')],
      requestBody: {
        required: true,
        content: { 'application/merge-patch+json': changes, 'application/json': changes },
      },
      responses: { 200: asItIsNow, ...refusals(404, 412, 413, 415) },
    },
    put: {
      operationId: 'putTodo',
      summary: 'Change a todo, as PATCH does',
      description: 'What is absent stays, as with PATCH. Scope: `todos:write`.',
      tags: ['Todos'],
      security: needs('todos:write'),
      parameters: [parameter('TodoId'), parameter('If-Match')],
      requestBody: { required: true, content: { 'application/json': changes } },
      responses: { 200: asItIsNow, ...refusals(404, 412, 413, 415) },
    },
    delete: {
      operationId: 'deleteTodo',
      summary: 'Delete a todo',
      description: 'It is hidden, and for 30 days `restore` brings it back. Scope: `todos:write`.',
      tags: ['Todos'],
      security: needs('todos:write'),
      parameters: [parameter('TodoId'), parameter('If-Match')],
      responses: {
        200: {
          description: 'The todo was deleted',
          headers: authorizedHeaders(),
          content: { 'application/json': { schema: schema('Deleted'), example: { message: 'The todo was deleted' } } },
        },
        ...refusals(404, 412),
      },
    },
  },
  '/todos/{id}/restore': {
    post: {
      operationId: 'restoreTodo',
      summary: 'Bring a deleted todo back',
      description: 'A todo that is not deleted is left as it is. Scope: `todos:write`.',
      tags: ['Todos'],
      security: needs('todos:write'),
      parameters: [parameter('TodoId'), parameter('If-Match')],
      responses: { 200: asItIsNow, ...refusals(404, 412) },
    },
  },
};
