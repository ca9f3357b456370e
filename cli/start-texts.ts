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

/**
 * The first text when the services are up: the address for an assistant and, until there is an account, the link with which a
 * person makes the first one. Without `url`, it names the file that has the link.
 */
export function connectText(mcpResource: string, link: { url?: string; path: string } | undefined): string {
  const connect = `\nConnect an assistant: ${mcpResource}`;
  if (link === undefined) return connect;
  return link.url === undefined
    ? `${connect}\nMake your account first, with the link in ${link.path}. It works once, for 24 hours.`
    : `${connect}\nMake your account first, with this link. It works once, for 24 hours:\n\n  ${link.url}`;
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
  const http = { type: 'http', url: MCP_RESOURCE };
  const withHelper = { ...http, headersHelper: tokenCommand(addresses, dataDirectory, '--headers') };
  const withToken = { ...http, headers: { Authorization: `Bearer \${YATA_TOKEN}` } };
  return `
yata is up. Press Ctrl-C to stop it.

  auth   ${AUTH_ISSUER}
  api    ${API_RESOURCE}
  mcp    ${MCP_RESOURCE}

Get an access token for the demo client:

  . ${quoteForShell(credentials)}
  TOKEN=$(curl -s ${AUTH_ISSUER}/oauth/token -u "$OAUTH_CLIENT_ID:$OAUTH_CLIENT_SECRET" -d grant_type=client_credentials |
    node -pe 'JSON.parse(require("fs").readFileSync(0)).access_token')

Use it to create a todo and to list your todos:

  curl -s ${API_RESOURCE}/todos -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d '{"title": "Try yata"}'
  curl -s ${API_RESOURCE}/todos -H "Authorization: Bearer $TOKEN"

Connect an assistant over stdio with this configuration:

  ${JSON.stringify({ mcpServers: { yata: stdio } })}

Or over HTTP, with a command that prints an access token whenever the host needs a new one. Claude Code has this configuration,
and Codex has the same command as http_headers_helper:

  ${JSON.stringify({ mcpServers: { yata: withHelper } })}

Any other host takes an access token from the environment. It expires after ACCESS_TOKEN_TTL seconds (an hour by default):

  export YATA_TOKEN=$(${tokenCommand(addresses, dataDirectory)})

  ${JSON.stringify({ mcpServers: { yata: withToken } })}

The administrator's credentials are in ${credentialsPath(relative('', dataDirectory), 'admin')}. List the clients with:

  npm run -s yata -- clients list
`;
}

/** The shell command that prints an access token for mcp. It works in every working directory, where hosts start helpers. */
function tokenCommand(addresses: Addresses, dataDirectory: string, ...options: string[]): string {
  const { AUTH_ISSUER, MCP_RESOURCE, ALLOW_INSECURE_HTTP } = addresses;
  const variables = {
    ...(AUTH_ISSUER !== 'http://localhost:3000' && { AUTH_ISSUER }),
    ...(ALLOW_INSECURE_HTTP === 'true' && { ALLOW_INSECURE_HTTP }),
    ...(resolve(dataDirectory) !== resolve(import.meta.dirname, '../data') && {
      YATA_DATA_DIR: resolve(dataDirectory),
    }),
  };
  const assignments = Object.entries(variables).map(([name, value]) => `${name}=${quoteForShell(value)}`);
  const program = resolve(import.meta.dirname, '../yata.ts');
  const words = [process.execPath, program, 'token', ...options, '--resource', MCP_RESOURCE].map(quoteForShell);
  return [...assignments, ...words].join(' ');
}

function quoteForShell(word: string): string {
  return /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
