import { ChangeFeedQuery } from '../../../shared/todo/change-feed.ts';
import { MAX_CHANGE_FEED_BYTES, RETENTION_DAYS } from '../../../shared/todo/limits.ts';
import { changeFeed } from '../examples.ts';
import { authorizedHeaders } from '../headers.ts';
import type { Paths } from '../openapi.ts';
import { parameter, queryParameters } from '../parameters.ts';
import { problemResponses } from '../problem-responses.ts';
import { schema } from '../schemas.ts';
import { needs } from '../security.ts';

export const CHANGES_PATHS: Paths = {
  '/todos/changes': {
    get: {
      operationId: 'listChanges',
      summary: 'Follow the changes',
      description: `Returns every change after \`since\`, also of deleted todos, in the order in which the changes were made. Send the \`next\` of each response as \`since\`, and you get each change once. Changes are kept for ${RETENTION_DAYS} days, and at most ${MAX_CHANGE_FEED_BYTES / 1_000_000} MB of them; an older \`since\` gets 410. With \`Prefer: wait\`, three requests of a subject can wait at each process. A further one gets its response after a second, without \`Preference-Applied\`. Scope: \`todos:read\`.`,
      tags: ['Change feed'],
      security: needs('todos:read'),
      parameters: [...queryParameters(ChangeFeedQuery), parameter('Prefer')],
      responses: {
        200: {
          description: 'The changes. The list is empty if there are none',
          headers: authorizedHeaders('Preference-Applied'),
          content: { 'application/json': { schema: schema('ChangeFeed'), example: changeFeed } },
        },
        ...problemResponses('ChangesExpired'),
      },
    },
  },
};
