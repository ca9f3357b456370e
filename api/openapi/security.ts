import { SCOPES, type Scope, TODO_SCOPES } from '../../shared/scopes.ts';
import type { Operation } from './openapi.ts';

/** The two ways to say how a request is authorized: where an access token comes from, and how it is sent. */
export function createSecuritySchemes(issuer: string) {
  const tokenUrl = `${issuer}/oauth/token`;
  return {
    clientCredentials: {
      type: 'oauth2',
      description: 'A client gets an access token for itself (RFC 6749 §4.4)',
      flows: {
        clientCredentials: {
          tokenUrl,
          scopes: Object.fromEntries(TODO_SCOPES.map((scope) => [scope, SCOPES[scope]])),
        },
      },
    },
    accessToken: {
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'JWT',
      description: `An access token (RFC 6750), which you get with:

\`\`\`
${tokenCommand(tokenUrl)}
\`\`\``,
    },
  };
}

/** What gets an access token in a shell that knows the client's credentials. */
function tokenCommand(tokenUrl: string): string {
  return `curl -s ${tokenUrl} -u "$OAUTH_CLIENT_ID:$OAUTH_CLIENT_SECRET" -d grant_type=client_credentials`;
}

/** An access token with `scope` is needed, from wherever it comes. */
export function needs(scope: Scope): Operation['security'] {
  return [{ clientCredentials: [scope] }, { accessToken: [scope] }];
}
