import { SCOPES, type Scope, TODO_SCOPES } from '../../shared/scopes.ts';
import type { Operation } from './openapi.ts';

/** Creates the two security schemes: how a client gets an access token, and how it sends one. */
export function createSecuritySchemes(issuer: string) {
  const tokenUrl = `${issuer}/oauth/token`;
  return {
    clientCredentials: {
      type: 'oauth2',
      description: 'The client gets an access token for itself (RFC 6749 §4.4)',
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
      description: `An access token (RFC 6750). Get one with this command:

\`\`\`
${tokenCommand(tokenUrl)}
\`\`\``,
    },
  };
}

/** A shell command that gets an access token. The shell has the client's credentials in two variables. */
function tokenCommand(tokenUrl: string): string {
  return `curl -s ${tokenUrl} -u "$OAUTH_CLIENT_ID:$OAUTH_CLIENT_SECRET" -d grant_type=client_credentials`;
}

/** An operation that needs an access token with `scope`. */
export function needs(scope: Scope): Operation['security'] {
  return [{ clientCredentials: [scope] }, { accessToken: [scope] }];
}
