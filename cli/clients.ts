import { readFileSync } from 'node:fs';
import type { ClientResponse } from '../auth/admin/contract.ts';
import { AdminRequestError } from './admin-client.ts';
import { type Command, type CommandResult, defineCommand, UsageError } from './command-line/command.ts';
import { describeSystemError } from './command-line/describe-system-error.ts';
import type { StoreCredentials } from './connect-admin.ts';
import { parseDuration } from './parse-duration.ts';
import { clientLine, clientMembers, clientWithKeys, clientWithSecret, existingClientText } from './result-texts.ts';
import { quoteValue } from './sanitize.ts';
import { WAIT_DETAILS, WAIT_OPTION, waitForConfirmation } from './wait-for-confirmation.ts';

const ID = { ID: { description: 'the client_id' } } as const;

const createCommand = defineCommand({
  name: 'clients create',
  summary: 'register a client and print its secret',
  details:
    'A secret that auth creates is printed only once. A client with --public-keys has no secret. With --id, --secret-file and --if-absent the command can run at every start of an installation: a client that exists stays as it is, and its secret is not compared.',
  arguments: {},
  options: {
    name: { value: 'NAME', required: true, description: 'a name for people, 1 to 200 characters' },
    scope: {
      value: 'SCOPES',
      required: true,
      description: 'the scopes that the client may request, separated by spaces: todos:read, todos:write, admin',
    },
    id: { value: 'ID', description: 'the client_id (default: a random one)' },
    'secret-file': {
      value: 'FILE',
      description:
        'a file with the secret of the client, 43 to 256 characters of A-Z, a-z, 0-9, _ and -; use - to read it from stdin',
    },
    'if-absent': { description: 'if there is a client with this id, change nothing and exit with 0' },
    resource: {
      value: 'URL',
      repeated: true,
      description:
        'a resource identifier for which the client may request access tokens (default: every resource that has one of the scopes)',
    },
    'resource-server': {
      value: 'URL',
      description:
        'the client is the resource server with this identifier and may exchange access tokens issued for it',
    },
    'public-keys': {
      value: 'JWKS-FILE',
      description:
        'the client authenticates with private_key_jwt; the file holds a JWK Set of its public keys; use - to read it from stdin',
    },
    public: {
      description:
        'the client has no secret and gets access tokens through persons, who allow it on a page; needs --redirect-uri',
    },
    'redirect-uri': {
      value: 'URI',
      repeated: true,
      description: 'where the answer to an authorization request may go; on localhost any port is accepted',
    },
    'one-token-at-a-time': { description: 'a new access token revokes the earlier ones of the client' },
  },
  examples: [
    'clients create --name "Night job" --scope "todos:read todos:write"',
    'clients create --public --redirect-uri http://localhost/callback --name "An assistant" --scope "todos:read todos:write"',
    'clients create --id night-job --secret-file night-job.secret --if-absent --name "Night job" --scope todos:read',
  ],
  async run({ options }, { connectAdmin, readStdin }) {
    const keysFile = options['public-keys'];
    const secretFile = options['secret-file'];
    const ifAbsent = options['if-absent'];
    if (ifAbsent && options.id === undefined) throw new UsageError('--if-absent: expected --id too');
    if (options.public && options['redirect-uri'] === undefined)
      throw new UsageError('--public: expected --redirect-uri too');
    if (!options.public && options['redirect-uri'] !== undefined)
      throw new UsageError('--redirect-uri: expected --public too');
    if (options.public && (secretFile ?? keysFile) !== undefined)
      throw new UsageError(
        '--public: expected no --secret-file and no --public-keys, because a public client has neither',
      );
    if (secretFile !== undefined && keysFile !== undefined)
      throw new UsageError('--secret-file: expected no --public-keys, because a client has a secret or keys');
    const request = {
      client_name: options.name,
      scope: options.scope,
      ...(options.id !== undefined && { client_id: options.id }),
      ...(secretFile !== undefined && { client_secret: readSecret(secretFile, readStdin) }),
      ...(options.resource !== undefined && { resources: options.resource }),
      ...(options['resource-server'] !== undefined && { resource_server: options['resource-server'] }),
      ...(keysFile !== undefined && {
        token_endpoint_auth_method: 'private_key_jwt',
        jwks: readPublicKeys(keysFile, '--public-keys', readStdin),
      }),
      ...(options.public && { token_endpoint_auth_method: 'none', redirect_uris: options['redirect-uri'] }),
      one_token_at_a_time: options['one-token-at-a-time'],
    };
    const { admin } = await connectAdmin();
    try {
      const created = await admin.createClient(request);
      return { json: created, text: clientWithSecret(created) };
    } catch (error) {
      if (!ifAbsent || !(error instanceof AdminRequestError) || error.code !== 'client_exists') throw error;
      const existing = await admin.getClient(request.client_id ?? '');
      return { json: existing, text: existingClientText(existing, findDifferences(existing, request)) };
    }
  },
});

const listCommand = defineCommand({
  name: 'clients list',
  summary: 'list all clients',
  arguments: {},
  options: {},
  async run(_input, { connectAdmin }) {
    const { admin } = await connectAdmin();
    const clients = await admin.listClients();
    return { json: clients, text: clients.map(clientLine).join('\n') };
  },
});

const showCommand = defineCommand({
  name: 'clients show',
  summary: 'show a client and when its secrets were last used',
  arguments: ID,
  options: {},
  async run({ arguments: { ID: clientId } }, { connectAdmin }) {
    const { admin } = await connectAdmin();
    const client = await admin.getClient(clientId);
    return { json: client, text: clientMembers(client) };
  },
});

const disableCommand = defineCommand({
  name: 'clients disable',
  summary: 'disable a client, and revoke its access tokens and connections',
  details: WAIT_DETAILS,
  arguments: ID,
  options: WAIT_OPTION,
  async run({ arguments: { ID: clientId }, options: { wait } }, { connectAdmin }) {
    const { admin } = await connectAdmin();
    const started = performance.now();
    const disabled = await admin.changeClient(clientId, { active: false });
    if (!wait) return changed(disabled);
    if (disabled.revocation === undefined)
      throw new Error(
        `The client is disabled, but auth did not say which revocation to wait for: it may be an older version. Run \`yata tokens revoke --client ${clientId} --wait\`.`,
      );
    const { revocation, text, exitCode } = await waitForConfirmation(admin, disabled.revocation.sequence, started);
    return { json: { ...disabled, revocation }, text: `${clientLine(disabled)}\n${text}`, exitCode };
  },
});

const enableCommand = defineCommand({
  name: 'clients enable',
  summary: 'enable a disabled client',
  arguments: ID,
  options: {},
  async run({ arguments: { ID: clientId } }, { connectAdmin }) {
    const { admin } = await connectAdmin();
    return changed(await admin.changeClient(clientId, { active: true }));
  },
});

const deleteCommand = defineCommand({
  name: 'clients delete',
  summary: 'delete a client, and revoke its access tokens and connections',
  arguments: ID,
  options: {},
  async run({ arguments: { ID: clientId } }, { connectAdmin }) {
    const { admin } = await connectAdmin();
    await admin.deleteClient(clientId);
    return {
      json: { client_id: clientId, deleted: true },
      text: `The client ${quoteValue(clientId)} is deleted. Its access tokens are revoked.`,
    };
  },
});

const rotateSecretCommand = defineCommand({
  name: 'clients rotate-secret',
  summary: 'give a client a new secret and print it',
  details:
    'The new secret is printed only once. It also replaces the old one in the data directory, if a file there holds the credentials of this client, such as data/demo-client.env. That file stays as it is if OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET are set.',
  arguments: ID,
  options: {
    overlap: {
      value: 'DURATION',
      description: 'how long the old secrets stay valid: 90s, 30m, 24h or 7d, up to 30 days (default: 0s)',
    },
  },
  examples: ['clients rotate-secret demo --overlap 24h'],
  async run({ arguments: { ID: clientId }, options: { overlap = '0s' } }, { connectAdmin }) {
    const overlapSeconds = parseOverlap(overlap);
    const { admin, storeCredentials } = await connectAdmin();
    const rotated = await admin.rotateSecret(clientId, overlapSeconds);
    return { json: rotated, text: `${clientWithSecret(rotated)}${storeSecret(rotated, storeCredentials)}` };
  },
});

const setKeysCommand = defineCommand({
  name: 'clients set-keys',
  summary: 'replace the public keys with which a client authenticates',
  details:
    'Only for a client that was created with --public-keys. To end the overlap of old keys at once, run the command again with the same file and without --overlap.',
  arguments: {
    ...ID,
    'JWKS-FILE': { description: 'a file with a JWK Set of all new public keys; use - to read it from stdin' },
  },
  options: {
    overlap: {
      value: 'DURATION',
      description: 'how long the old keys stay valid: 90s, 30m, 24h or 7d, up to 30 days (default: 0s)',
    },
  },
  examples: ['clients set-keys night-job keys.json --overlap 24h'],
  async run({ arguments: { ID: clientId, 'JWKS-FILE': file }, options: { overlap = '0s' } }, context) {
    const overlapSeconds = parseOverlap(overlap);
    const jwks = readPublicKeys(file, 'JWKS-FILE', context.readStdin);
    const { admin } = await context.connectAdmin();
    const client = await admin.setKeys(clientId, jwks, overlapSeconds);
    return { json: client, text: clientWithKeys(client) };
  },
});

const setScopeCommand = defineCommand({
  name: 'clients set-scope',
  summary: 'replace the scopes that a client may request',
  arguments: {
    ...ID,
    SCOPE: { repeated: true, description: 'todos:read, todos:write or admin; several may be one quoted argument' },
  },
  options: {},
  examples: ['clients set-scope demo todos:read todos:write'],
  async run({ arguments: { ID: clientId, SCOPE: scopes } }, { connectAdmin }) {
    const { admin } = await connectAdmin();
    return changed(await admin.changeClient(clientId, { scope: scopes.join(' ') }));
  },
});

/** The commands that administer clients. */
export const clientsCommands: readonly Command[] = [
  createCommand,
  listCommand,
  showCommand,
  disableCommand,
  enableCommand,
  deleteCommand,
  rotateSecretCommand,
  setKeysCommand,
  setScopeCommand,
];

function changed(client: ClientResponse): CommandResult {
  return { json: client, text: clientLine(client) };
}

/** The members of a request in which the client that exists differs. Its secret is not compared: auth stores only a hash. */
function findDifferences(existing: ClientResponse, request: Readonly<Record<string, unknown>>): string[] {
  const compared = [
    'client_name',
    'scope',
    'resources',
    'resource_server',
    'redirect_uris',
    'one_token_at_a_time',
  ] as const;
  const differing = compared.filter(
    (name) => name in request && toComparable(name, existing[name]) !== toComparable(name, request[name]),
  );
  const isSecret = existing.token_endpoint_auth_method.startsWith('client_secret');
  const method = isSecret ? 'a secret' : existing.token_endpoint_auth_method;
  const wantedMethod = request.token_endpoint_auth_method ?? 'a secret';
  return method === wantedMethod ? differing : [...differing, 'token_endpoint_auth_method'];
}

/** The order of scopes and resources means nothing. */
function toComparable(name: string, value: unknown): string {
  if (name === 'scope') return String(value).split(' ').toSorted().join(' ');
  return Array.isArray(value) ? value.map(String).toSorted().join(' ') : String(value);
}

function readSecret(path: string, readStdin: () => string): string {
  if (path === '-') return requireSecret(readStdin(), '--secret-file is -: expected a secret on stdin');
  return requireSecret(
    readTextFile(path, '--secret-file'),
    '--secret-file: expected a file with a secret, but it is empty',
  );
}

/** The text without the line break that an editor or a command adds. */
function requireSecret(text: string, problem: string): string {
  const secret = text.trim();
  if (secret === '') throw new UsageError(problem);
  return secret;
}

function readPublicKeys(path: string, name: string, readStdin: () => string): unknown {
  const isStdin = path === '-';
  const text = isStdin ? readStdin() : readTextFile(path, name);
  try {
    return JSON.parse(text);
  } catch (cause) {
    const where = isStdin ? `${name} is -: expected a JWK Set (JSON) on stdin` : `${name}: expected a JWK Set (JSON)`;
    throw new UsageError(where, { cause });
  }
}

/** Reads a file that an option names. A usage error says why it cannot be read, and never the path: it may be a secret. */
function readTextFile(path: string, option: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new UsageError(`${option}: expected a readable file: ${describeSystemError(cause)}`, { cause });
  }
}

function parseOverlap(text: string): number {
  return parseDuration(text, {
    bareUnit: 's',
    problem: '--overlap: expected a duration such as 90s, 30m, 24h or 7d',
  });
}

/** Stores a new secret in place of the old one. The secret is printed even when it cannot be stored: it exists only here. */
function storeSecret({ client_id, client_secret }: ClientResponse, storeCredentials: StoreCredentials): string {
  if (client_secret === undefined) return '';
  try {
    const path = storeCredentials({ OAUTH_CLIENT_ID: client_id, OAUTH_CLIENT_SECRET: client_secret });
    return path === undefined ? '' : `\n\n${path} now holds the new secret.`;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `\n\nThe secret could not be stored in the file of the client. Store it yourself: ${reason}`;
  }
}
