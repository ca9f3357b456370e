import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Credentials } from '../clients/credentials-file.ts';
import type { AdminClient } from './admin-client.ts';
import type { ClientResponse, RevocationResponse } from './contract.ts';

/** What the administrator's part of the command line can do. */
export const ADMIN_USAGE = `  clients create --name NAME --scope "SCOPES" [--id ID] [--resource URL]... [--resource-server URL]
                 [--public-keys JWKS-FILE] [--one-token-at-a-time]
  clients list
  clients show|disable|enable|delete ID
  clients rotate-secret ID [--overlap 24h]
  clients set-scope ID SCOPE...
  tokens revoke TOKEN | - | --client ID   [--wait]      (-: the token is read from stdin)
  audit [--limit 100] [--before ID]
`;

/** The words are none that the command line knows. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The nouns that the administrator's commands begin with. */
export const ADMIN_NOUNS: readonly string[] = ['clients', 'tokens', 'audit'];

/** What a command did: a JSON value for machines, and a text for people. */
export type CommandResult = { readonly json: unknown; readonly text: string };

/** Writes a client's new secret where the old one was kept, if anywhere, and returns the path. */
export type KeepCredentials = (credentials: Credentials) => string | undefined;

/** Runs a command of the administrator. @throws {UsageError} @throws {AdministrationRefused} */
export async function runAdminCommand(
  words: readonly string[],
  { admin, keepCredentials }: { admin: AdminClient; keepCredentials: KeepCredentials },
): Promise<CommandResult> {
  const { command, values, operands } = parse(words);
  switch (command) {
    case 'clients create': {
      const created = await admin.createClient({
        client_name: required(values.name, '--name'),
        scope: required(values.scope, '--scope'),
        ...(values.id !== undefined && { client_id: values.id }),
        ...(values.resource !== undefined && { resources: values.resource }),
        ...(values['resource-server'] !== undefined && { resource_server: values['resource-server'] }),
        ...(values['public-keys'] !== undefined && {
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: readJson(values['public-keys'], '--public-keys'),
        }),
        one_token_at_a_time: values['one-token-at-a-time'] ?? false,
      });
      return { json: created, text: withSecret(created) };
    }
    case 'clients list': {
      const clients = await admin.listClients();
      return { json: clients, text: clients.map(line).join('\n') };
    }
    case 'clients show': {
      const client = await admin.getClient(required(operands[0], 'ID'));
      return { json: client, text: describe(client) };
    }
    case 'clients disable':
      return shown(await admin.changeClient(required(operands[0], 'ID'), { active: false }));
    case 'clients enable':
      return shown(await admin.changeClient(required(operands[0], 'ID'), { active: true }));
    case 'clients set-scope': {
      const [clientId, ...scopes] = operands;
      // quoted or not
      const scope = required(scopes.length > 0 ? scopes.join(' ') : undefined, 'SCOPES');
      return shown(await admin.changeClient(required(clientId, 'ID'), { scope }));
    }
    case 'clients delete': {
      const clientId = required(operands[0], 'ID');
      await admin.deleteClient(clientId);
      return {
        json: { client_id: clientId, deleted: true },
        text: `${clientId} is deleted, and its access tokens are revoked`,
      };
    }
    case 'clients rotate-secret': {
      const rotated = await admin.rotateSecret(required(operands[0], 'ID'), seconds(values.overlap ?? '0s'));
      return { json: rotated, text: `${withSecret(rotated)}${keep(rotated, keepCredentials)}` };
    }
    case 'tokens revoke': {
      const [word] = operands;
      if ((word === undefined) === (values.client === undefined))
        throw new UsageError('either a TOKEN or --client ID is expected');
      const started = performance.now();
      const revocation = await admin.revoke(
        word === undefined ? { client_id: required(values.client, '--client') } : { token: token(word) },
      );
      const last = values.wait ? await admin.getRevocation(revocation.sequence, 25) : revocation;
      return { json: last, text: confirmation(last, performance.now() - started) };
    }
    case 'audit': {
      const { limit = '100', before } = values;
      const events = await admin.listAudit({ limit, ...(before !== undefined && { before }) });
      const text = events.map(({ id, at, outcome, actor, address, action, target, request_id, detail }) =>
        [
          id,
          at,
          outcome.padEnd(7),
          `${actor ?? '-'}@${address ?? '-'}`,
          action,
          target ?? '-',
          request_id ?? '-',
          JSON.stringify(detail),
        ].join('  '),
      );
      return { json: events, text: text.join('\n') };
    }
  }
}

const OPTIONS = {
  name: { type: 'string' },
  scope: { type: 'string' },
  id: { type: 'string' },
  resource: { type: 'string', multiple: true },
  'resource-server': { type: 'string' },
  'public-keys': { type: 'string' },
  'one-token-at-a-time': { type: 'boolean' },
  overlap: { type: 'string' },
  client: { type: 'string' },
  wait: { type: 'boolean' },
  limit: { type: 'string' },
  before: { type: 'string' },
} as const;

/** What comes after each command: the options, and how many words at the most. */
const COMMANDS = {
  'clients create': {
    options: ['name', 'scope', 'id', 'resource', 'resource-server', 'public-keys', 'one-token-at-a-time'],
    operands: 0,
  },
  'clients list': { options: [], operands: 0 },
  'clients show': { options: [], operands: 1 },
  'clients disable': { options: [], operands: 1 },
  'clients enable': { options: [], operands: 1 },
  'clients delete': { options: [], operands: 1 },
  'clients rotate-secret': { options: ['overlap'], operands: 1 },
  'clients set-scope': { options: [], operands: Number.POSITIVE_INFINITY },
  'tokens revoke': { options: ['client', 'wait'], operands: 1 },
  audit: { options: ['limit', 'before'], operands: 0 },
} satisfies Record<string, { options: (keyof typeof OPTIONS)[]; operands: number }>;
type Command = keyof typeof COMMANDS;

/** Reads a command, of which nothing is ignored: what one does not take is a mistake that might cost more than a message. */
function parse(words: readonly string[]) {
  const { values, positionals } = parseWords(words);
  const command = positionals[0] === 'audit' ? 'audit' : positionals.slice(0, 2).join(' ');
  if (!isCommand(command)) throw new UsageError(`there is no command ${command}`);
  const taken: { options: readonly string[]; operands: number } = COMMANDS[command];
  const option = Object.keys(values).find((name) => !taken.options.includes(name));
  if (option !== undefined) throw new UsageError(`${command} has no option --${option}`);
  const operands = positionals.slice(command.split(' ').length);
  const excess = operands[taken.operands];
  if (excess !== undefined) throw new UsageError(`${command}: ${JSON.stringify(excess)} is one word too many`);
  return { command, values, operands };
}

function isCommand(text: string): text is Command {
  return Object.hasOwn(COMMANDS, text);
}

function parseWords(words: readonly string[]) {
  try {
    return parseArgs({ args: [...words], allowPositionals: true, options: OPTIONS });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** An empty word is what a shell makes of a variable that is not set. */
function required(value: string | undefined, name: string): string {
  if (value === undefined || value === '') throw new UsageError(`${name} is missing`);
  return value;
}

function readJson(path: string, option: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new UsageError(`${option}: expected a file with JSON, and ${path} is none`, { cause });
  }
}

/** A token may come from stdin, where no list of processes shows it. */
function token(word: string): string {
  return word === '-' ? readFileSync(0, 'utf8').trim() : word;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function seconds(duration: string): number {
  const [, count, unit = 's'] = /^(\d+)([smhd])?$/.exec(duration) ?? [];
  const factor = SECONDS[unit];
  if (count === undefined || factor === undefined)
    throw new UsageError('--overlap: expected a duration like 90s, 30m, 24h or 7d');
  return Number(count) * factor;
}

function shown(client: ClientResponse): CommandResult {
  return { json: client, text: line(client) };
}

function line({ client_id, client_name, scope, active }: ClientResponse): string {
  return `${client_id}  ${active ? 'active  ' : 'disabled'}  ${scope}  ${client_name}`;
}

function withSecret(client: ClientResponse): string {
  if (client.client_secret === undefined) return line(client);
  return `${line(client)}\n\nIts secret, which is shown this once:\n\nOAUTH_CLIENT_ID=${client.client_id}\nOAUTH_CLIENT_SECRET=${client.client_secret}`;
}

/** Every member in a line. */
function describe(client: ClientResponse): string {
  const { secrets } = client;
  const members = {
    client_id: client.client_id,
    name: client.client_name,
    active: client.active ? 'yes' : 'no',
    scope: client.scope,
    resources: client.resources.join(' '),
    ...(client.resource_server !== null && { 'is itself': client.resource_server }),
    authentication: client.token_endpoint_auth_method,
    'one token at a time': client.one_token_at_a_time ? 'yes' : 'no',
    created: client.created_at,
    changed: client.updated_at,
  };
  const secretLines = secrets.map(
    ({ created_at, expires_at, last_used_at }) =>
      `of ${created_at}, expires ${expires_at ?? 'never'}, last used ${last_used_at ?? 'never'}`,
  );
  return [...Object.entries(members), ...secretLines.map((text) => ['secret', text] as const)]
    .map(([name, text]) => `${name.padEnd(21)}${text}`)
    .join('\n');
}

/** Keeps a new secret where the old one was. That it cannot be is no reason to lose it. */
function keep({ client_id, client_secret }: ClientResponse, keepCredentials: KeepCredentials): string {
  if (client_secret === undefined) return '';
  try {
    const path = keepCredentials({ OAUTH_CLIENT_ID: client_id, OAUTH_CLIENT_SECRET: client_secret });
    return path === undefined ? '' : `\n\n${path} has it in place of the old one.`;
  } catch (error) {
    return `\n\nWrite it to the client's file yourself: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function confirmation({ confirmed, pending }: RevocationResponse, milliseconds: number): string {
  const all = confirmed.length + pending.length;
  const text = `revoked; confirmed by ${confirmed.length} of ${all} resource servers in ${Math.round(milliseconds)} ms`;
  return [text, ...pending.map((reader) => `  not yet: ${reader}`)].join('\n');
}
