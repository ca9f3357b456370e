import { relative, resolve } from 'node:path';
import { credentialsPath } from '../auth/clients/credentials-file.ts';
import type { AuthConfig } from '../auth/config.ts';

type Addresses = Pick<AuthConfig, 'AUTH_ISSUER' | 'API_RESOURCE' | 'MCP_RESOURCE' | 'ALLOW_INSECURE_HTTP'>;

/** The first line of `start`. */
export const STARTING_TEXT = 'Starting yata …';

/** The line before the embedded database is opened. */
export function openingDatabaseText(dataDirectory: string): string {
  return `Opening the embedded database in ${dataDirectory} (the first start creates it, which takes a few seconds) …`;
}

/** The text when the services are up: addresses, commands to paste, and configurations for an assistant. */
export function nextStepsText(addresses: Addresses, dataDirectory: string): string {
  const { AUTH_ISSUER, API_RESOURCE, MCP_RESOURCE, ALLOW_INSECURE_HTTP } = addresses;
  const credentials = resolve(credentialsPath(dataDirectory, 'demo'));
  const stdio = {
    command: process.execPath,
    args: [`--env-file=${credentials}`, resolve(import.meta.dirname, '../mcp/stdio.ts')],
    env: { API_BASE_URL: API_RESOURCE, ...(ALLOW_INSECURE_HTTP === 'true' && { ALLOW_INSECURE_HTTP }) },
  };
  const http = { type: 'http', url: MCP_RESOURCE, headers: { Authorization: `Bearer \${YATA_TOKEN}` } };
  const token = (parameters: string) =>
    `$(curl -s ${AUTH_ISSUER}/oauth/token -u "$OAUTH_CLIENT_ID:$OAUTH_CLIENT_SECRET" -d grant_type=client_credentials${parameters} |
    node -pe 'JSON.parse(require("fs").readFileSync(0)).access_token')`;
  return `
yata is up. Press Ctrl-C to stop it.

  auth   ${AUTH_ISSUER}
  api    ${API_RESOURCE}
  mcp    ${MCP_RESOURCE}

Get an access token for the demo client:

  . ${quoteForShell(credentials)}
  TOKEN=${token('')}

Use it to create a todo and to list your todos:

  curl -s ${API_RESOURCE}/todos -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"title": "Try yata"}'
  curl -s ${API_RESOURCE}/todos -H "Authorization: Bearer $TOKEN"

Connect an assistant over stdio with this configuration:

  ${JSON.stringify({ mcpServers: { yata: stdio } })}

Or over HTTP, with an access token in the environment and this configuration:

  export YATA_TOKEN=${token(` -d resource=${MCP_RESOURCE}`)}

  ${JSON.stringify({ mcpServers: { yata: http } })}

The administrator's credentials are in ${credentialsPath(relative('', dataDirectory), 'admin')}. List the clients with:

  npm run -s yata -- clients list
`;
}

function quoteForShell(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
