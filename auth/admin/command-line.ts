import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { AdminClient } from './admin-client.ts';
import type { ClientResponse, RevocationResponse } from './contract.ts';

/** What the administrator's part of the command line can do. */
export const ADMIN_USAGE = `  clients create --name NAME --scope "SCOPES" [--id ID] [--resource URL]... [--resource-server URL]
                 [--public-keys JWKS-FILE] [--one-token-at-a-time]
  clients list
  clients show|disable|enable|delete ID
  clients rotate-secret ID [--overlap 24h]
  clients set-scope ID "SCOPES"
  tokens revoke TOKEN | - | --client ID   [--wait]      (-: the token is read from stdin)
  audit [--limit 100]
`;

/** The words are none that the command line knows. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The nouns that the administrator's commands begin with. */
export const ADMIN_NOUNS: readonly string[] = ['clients', 'tokens', 'audit'];

/** What a command did: a JSON value for machines, and a text for people. */
export type CommandResult = { readonly json: unknown; readonly text: string };

/** Runs a command of the administrator. @throws {UsageError} @throws {AdministrationRefused} */
export async function runAdminCommand(words: readonly string[], admin: AdminClient): Promise<CommandResult> {
  const { values, positionals } = parse(words);
  const [noun, verb, ...operands] = positionals;
  switch (`${noun} ${verb ?? ''}`.trim()) {
    case 'clients create': {
      const created = await admin.createClient({
        client_name: required(values.name, '--name'),
        scope: required(values.scope, '--scope'),
        ...(values.id !== undefined && { client_id: values.id }),
        ...(values.resource !== undefined && { resources: values.resource }),
        ...(values['resource-server'] !== undefined && { resource_server: values['resource-server'] }),
        ...(values['public-keys'] !== undefined && {
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: JSON.parse(readFileSync(values['public-keys'], 'utf8')),
        }),
        one_token_at_a_time: values['one-token-at-a-time'] ?? false,
      });
      return { json: created, text: withSecret(created) };
    }
    case 'clients list': {
      const clients = await admin.listClients();
      return { json: clients, text: clients.map(line).join('\n') };
    }
    case 'clients show':
      return shown(await admin.getClient(operand(operands, 'ID')));
    case 'clients disable':
      return shown(await admin.changeClient(operand(operands, 'ID'), { active: false }));
    case 'clients enable':
      return shown(await admin.changeClient(operand(operands, 'ID'), { active: true }));
    case 'clients set-scope': {
      const [clientId, scope] = operands;
      return shown(await admin.changeClient(required(clientId, 'ID'), { scope: required(scope, 'SCOPES') }));
    }
    case 'clients delete': {
      const clientId = operand(operands, 'ID');
      await admin.deleteClient(clientId);
      return {
        json: { client_id: clientId, deleted: true },
        text: `${clientId} is deleted, and its access tokens are revoked`,
      };
    }
    case 'clients rotate-secret': {
      const rotated = await admin.rotateSecret(operand(operands, 'ID'), seconds(values.overlap ?? '0s'));
      return { json: rotated, text: withSecret(rotated) };
    }
    case 'tokens revoke': {
      const started = performance.now();
      const revocation = await admin.revoke(
        values.client === undefined ? { token: token(operand(operands, 'TOKEN')) } : { client_id: values.client },
      );
      const last = values.wait ? await admin.getRevocation(revocation.sequence, 25) : revocation;
      return { json: last, text: confirmation(last, performance.now() - started) };
    }
    case 'audit': {
      const events = await admin.listAudit(Number(values.limit ?? 100));
      const text = events.map(({ at, outcome, actor, action, target, detail }) =>
        [at, outcome.padEnd(7), actor ?? '-', action, target ?? '-', JSON.stringify(detail)].join('  '),
      );
      return { json: events, text: text.join('\n') };
    }
    default:
      throw new UsageError(`there is no command ${positionals.slice(0, 2).join(' ')}`);
  }
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
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
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new UsageError(`${name} is missing`);
  return value;
}

function operand(operands: readonly string[], name: string): string {
  if (operands.length > 1) throw new UsageError(`one ${name} is expected`);
  return required(operands[0], name);
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

function confirmation({ confirmed, pending }: RevocationResponse, milliseconds: number): string {
  const all = confirmed.length + pending.length;
  const text = `revoked; confirmed by ${confirmed.length} of ${all} resource servers in ${Math.round(milliseconds)} ms`;
  return [text, ...pending.map((reader) => `  not yet: ${reader}`)].join('\n');
}
