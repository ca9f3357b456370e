import type { ProtectedResource } from '../../shared/resource-server/protected-resource-metadata.ts';
import { HEADERS } from './headers.ts';
import { NotModified } from './not-modified.ts';
import type { OpenApiDocument } from './openapi.ts';
import { PARAMETERS } from './parameters.ts';
import { BATCH_PATHS } from './paths/batch.ts';
import { CHANGES_PATHS } from './paths/changes.ts';
import { TODO_PATHS } from './paths/todo.ts';
import { TODOS_PATHS } from './paths/todos.ts';
import { TRANSFER_PATHS } from './paths/transfer.ts';
import { PROBLEM_COMPONENTS } from './problem-responses.ts';
import { createSchemas } from './schemas.ts';
import { createSecuritySchemes } from './security.ts';

const DESCRIPTION = `The todos of the subject of an access token, with optimistic locking, idempotent requests and a change feed.

The response to a rejected request is a problem (RFC 9457). Programs decide by its \`code\`; \`errors\` names each invalid field and what is expected there. HEAD is supported wherever GET is. Every path may end with a slash. Another path is answered with 404 \`not_found\`, and another method with 405 \`method_not_allowed\` and the header \`Allow\`. Times are RFC 3339, in responses always in UTC.`;

/** Describes the API as OpenAPI 3.1. The schemas are those with which the API parses its requests. */
export function createOpenApiDocument({
  resource,
  authorizationServer,
  name,
}: Pick<ProtectedResource, 'resource' | 'authorizationServer' | 'name'>): OpenApiDocument {
  return {
    openapi: '3.1.1',
    info: { title: name, version: '1.0.0', description: DESCRIPTION },
    servers: [{ url: resource.replace(/\/$/, '') }],
    tags: [
      { name: 'Todos', description: 'One todo, or a list of todos' },
      { name: 'Batch', description: 'Many operations, all or none' },
      { name: 'Change feed', description: 'What has changed since the last request' },
      { name: 'Export and import', description: 'Todos as JSON Lines' },
    ],
    paths: { ...TODOS_PATHS, ...BATCH_PATHS, ...CHANGES_PATHS, ...TRANSFER_PATHS, ...TODO_PATHS },
    components: {
      schemas: createSchemas(),
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: { NotModified, ...PROBLEM_COMPONENTS },
      securitySchemes: createSecuritySchemes(authorizationServer),
    },
  };
}
