import { ChangeFeedQuery } from '../../../shared/todo/change-feed.ts';
import { changeFeed } from '../examples.ts';
import { authorizedHeaders } from '../headers.ts';
import type { Paths } from '../openapi.ts';
import { parameter, queryParameters } from '../parameters.ts';
import { refusals } from '../problem-responses.ts';
import { schema } from '../schemas.ts';
import { needs } from '../security.ts';

/** The change feed. */
export const CHANGES: Paths = {
  '/todos/changes': {
    get: {
      operationId: 'listChanges',
      summary: 'Follow what changes',
      description:
        'Every change after `since`, deletions too, in the order in which they happened. Keep `next`, and send it as `since`: you miss nothing and see nothing twice. Scope: `todos:read`.',
      tags: ['Change feed'],
      security: needs('todos:read'),
      parameters: [...queryParameters(ChangeFeedQuery), parameter('Prefer')],
      responses: {
        200: {
          description: 'The changes, none when there were none',
          headers: authorizedHeaders('Preference-Applied'),
          content: { 'application/json': { schema: schema('ChangeFeed'), example: changeFeed } },
        },
        ...refusals(410),
      },
    },
  },
};
