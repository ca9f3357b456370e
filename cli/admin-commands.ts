import { readFileSync } from 'node:fs';
import type { ClientResponse } from '../auth/admin/contract.ts';
import type { Credentials } from '../auth/clients/credentials-file.ts';
import type { AdminClient } from './admin-client.ts';
import { parseCommand, required, UsageError } from './parse-command.ts';
import { auditLine, clientLine, clientMembers, clientWithSecret, confirmationText } from './texts.ts';

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

/** The nouns that the administrator's commands begin with. */
export const ADMIN_NOUNS: readonly string[] = ['clients', 'tokens', 'audit'];

/** What a command did: a JSON value for machines, and a text for people. */
export type CommandResult = { readonly json: unknown; readonly text: string };

/** Writes a client's new secret where the old one was kept, if anywhere, and returns the path. */
export type KeepCredentials = (credentials: Credentials) => string | undefined;

/** Runs a command of the administrator. @throws {UsageError} @throws {AdminRequestError} */
export async function runAdminCommand(
  words: readonly string[],
  { admin, keepCredentials }: { admin: AdminClient; keepCredentials: KeepCredentials },
): Promise<CommandResult> {
  const { command, values, operands } = parseCommand(words);
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
      return { json: created, text: clientWithSecret(created) };
    }
    case 'clients list': {
      const clients = await admin.listClients();
      return { json: clients, text: clients.map(clientLine).join('\n') };
    }
    case 'clients show': {
      const client = await admin.getClient(required(operands[0], 'ID'));
      return { json: client, text: clientMembers(client) };
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
      return { json: rotated, text: `${clientWithSecret(rotated)}${keep(rotated, keepCredentials)}` };
    }
    case 'tokens revoke': {
      const [word] = operands;
      if ((word === undefined) === (values.client === undefined))
        throw new UsageError('either a TOKEN or --client ID is expected');
      const started = performance.now();
      const revocation = await admin.revoke(
        word === undefined
          ? { client_id: required(values.client, '--client') }
          : { token: token(required(word, 'TOKEN')) },
      );
      const last = values.wait ? await admin.getRevocation(revocation.sequence, 25) : revocation;
      return { json: last, text: confirmationText(last, performance.now() - started) };
    }
    case 'audit': {
      const { limit = '100', before } = values;
      const events = await admin.listAudit({ limit, ...(before !== undefined && { before }) });
      return { json: events, text: events.map(auditLine).join('\n') };
    }
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
  return { json: client, text: clientLine(client) };
}

function readJson(path: string, option: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new UsageError(`${option}: expected a file with JSON, and ${path} is none`, { cause });
  }
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
