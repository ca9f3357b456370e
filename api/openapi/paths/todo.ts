import { RETENTION_DAYS } from '../../../shared/todo/limits.ts';
import { todo, todoChanges } from '../examples.ts';
import { authorizedHeaders, todoHeaders } from '../headers.ts';
import { notModified } from '../not-modified.ts';
import type { Paths, Response } from '../openapi.ts';
import { parameter } from '../parameters.ts';
import { problemResponses } from '../problem-responses.ts';
import { schema } from '../schemas.ts';
import { needs } from '../security.ts';

const currentTodo: Response = {
  description: 'The current todo',
  headers: todoHeaders(),
  content: { 'application/json': { schema: schema('Todo'), example: todo } },
};

const storedTodo: Response = { ...currentTodo, headers: authorizedHeaders() };

const changes = { schema: schema('SentTodo'), example: todoChanges };

const writeProblems = ['TodoNotFound', 'VersionMismatch', 'ServiceUnavailableForWrites'] as const;
const bodyProblems = ['BadRequestWithBody', 'ContentTooLarge', 'UnsupportedMediaType'] as const;

export const TODO_PATHS: Paths = {
  '/todos/{id}': {
    get: {
      operationId: 'getTodo',
      summary: 'Read a todo',
      description: 'A todo of another subject gets the same response as an id that no todo has. Scope: `todos:read`.',
      tags: ['Todos'],
      security: needs('todos:read'),
      parameters: [parameter('TodoId'), parameter('If-Match'), parameter('If-None-Match')],
      responses: { 200: currentTodo, ...notModified, ...problemResponses('TodoNotFound', 'VersionMismatch') },
    },
    patch: {
      operationId: 'updateTodo',
      summary: 'Change a todo',
      description:
        'The body is a merge patch (RFC 7396): a field in it is changed, `null` clears the field, and an absent field stays. If no value changes, the version stays. You can send back the whole todo that you have read: the fields that only the server sets must be as they are, and another `version` is rejected with 412. Scope: `todos:write`.',
      tags: ['Todos'],
      security: needs('todos:write'),
      parameters: [parameter('TodoId'), parameter('If-Match'), parameter('If-None-Match')],
      requestBody: {
        required: true,
        content: { 'application/merge-patch+json': changes, 'application/json': changes },
      },
      responses: { 200: currentTodo, ...problemResponses(...writeProblems, ...bodyProblems, 'QuotaExceeded') },
    },
    put: {
      operationId: 'putTodo',
      summary: 'Change a todo, like PATCH',
      description:
        'As with PATCH, an absent field stays. The response has no ETag, because what is stored is not what was sent (RFC 9110 §9.3.4). Scope: `todos:write`.',
      tags: ['Todos'],
      security: needs('todos:write'),
      parameters: [parameter('TodoId'), parameter('If-Match'), parameter('If-None-Match')],
      requestBody: { required: true, content: { 'application/json': changes } },
      responses: { 200: storedTodo, ...problemResponses(...writeProblems, ...bodyProblems, 'QuotaExceeded') },
    },
    delete: {
      operationId: 'deleteTodo',
      summary: 'Delete a todo',
      description: `You can restore the todo for ${RETENTION_DAYS} days. Scope: \`todos:write\`.`,
      tags: ['Todos'],
      security: needs('todos:write'),
      parameters: [parameter('TodoId'), parameter('If-Match'), parameter('If-None-Match')],
      responses: {
        200: {
          description: 'The todo was deleted',
          headers: authorizedHeaders(),
          content: { 'application/json': { schema: schema('Deleted'), example: { message: 'The todo was deleted' } } },
        },
        ...problemResponses(...writeProblems),
      },
    },
  },
  '/todos/{id}/restore': {
    post: {
      operationId: 'restoreTodo',
      summary: 'Restore a deleted todo',
      description: 'A todo that is not deleted stays as it is. Scope: `todos:write`.',
      tags: ['Todos'],
      security: needs('todos:write'),
      parameters: [parameter('TodoId'), parameter('If-Match'), parameter('If-None-Match')],
      responses: { 200: currentTodo, ...problemResponses(...writeProblems) },
    },
  },
};
