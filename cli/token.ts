import { defineCommand } from './command-line/command.ts';

/** Prints a new access token. MCP hosts run it again when an access token has expired. */
export const tokenCommand = defineCommand({
  name: 'token',
  summary: 'print a new access token',
  details:
    'The client is that of OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET, or else your account after `login`, or else the demo client of the data directory. The command works in every working directory. An access token expires after ACCESS_TOKEN_TTL seconds (an hour by default); a host that runs `token --headers` itself gets a new one when it needs one.',
  arguments: {},
  options: {
    resource: { value: 'URL', description: 'the resource that accepts the access token; without it, the API' },
    scope: { value: 'SCOPE', description: 'scopes, separated by spaces; without it, all that the client may have' },
    headers: {
      description:
        'print the Authorization header as a JSON object, for headersHelper of Claude Code and http_headers_helper of Codex',
    },
  },
  examples: ['token', 'token --headers --resource http://localhost:3002/mcp', 'token --scope todos:read'],
  async run({ options: { resource, scope, headers } }, { environment }) {
    const parameters = { ...(resource && { resource }), ...(scope && { scope }) };
    const { requestToken } = await import('./request-token.ts');
    const issued = await requestToken(environment, parameters);
    const authorization = { Authorization: `Bearer ${issued.access_token}` };
    return headers
      ? { json: authorization, text: JSON.stringify(authorization) }
      : { json: issued, text: issued.access_token };
  },
});
