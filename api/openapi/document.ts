import type { ProtectedResource } from '../../shared/resource-server/protected-resource-metadata.ts';
import { HEADERS } from './headers.ts';
import type { OpenApiDocument } from './openapi.ts';
import { PARAMETERS } from './parameters.ts';
import { BATCH } from './paths/batch.ts';
import { CHANGES } from './paths/changes.ts';
import { TODO } from './paths/todo.ts';
import { TODOS } from './paths/todos.ts';
import { TRANSFER } from './paths/transfer.ts';
import { REFUSALS } from './problem-responses.ts';
import { createSchemas } from './schemas.ts';
import { createSecuritySchemes } from './security.ts';

const DESCRIPTION = `Todos of the subject of an access token, with optimistic locking, idempotent creation and a change feed.

A refusal is a problem (RFC 9457) whose \`errors\` name each field that is wrong. HEAD is answered as GET is, without the body. Every path may end with a slash. Times are RFC 3339; those in answers are in UTC.`;

/** Describes the API as OpenAPI 3.1, from the schemas that it parses requests with. */
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
      { name: 'Todos', description: 'One by one, and in lists' },
      { name: 'Many at once', description: 'All of them or none' },
      { name: 'Change feed', description: 'What changed since' },
      { name: 'Export and import', description: 'JSON Lines' },
    ],
    paths: { ...TODOS, ...BATCH, ...CHANGES, ...TRANSFER, ...TODO },
    components: {
      schemas: createSchemas(),
      parameters: PARAMETERS,
      headers: HEADERS,
      responses: REFUSALS,
      securitySchemes: createSecuritySchemes(authorizationServer),
    },
  };
}
