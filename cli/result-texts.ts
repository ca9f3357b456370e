import type {
  AuditEventResponse,
  ClientResponse,
  ConnectionResponse,
  KeyResponse,
  LinkResponse,
  RevocationResponse,
  UserResponse,
} from '../auth/admin/contract.ts';
import { toVisibleJson } from '../shared/visible-text.ts';
import { quoteValue } from './sanitize.ts';

/** A client on one line. */
export function clientLine({ client_id, client_name, scope, active, kind, redirect_uris }: ClientResponse): string {
  const hosts = [...new Set(redirect_uris.map(hostOf))];
  return [
    quoteValue(client_id),
    active ? 'active  ' : 'disabled',
    quoteWords(scope),
    quoteValue(client_name),
    ...(kind === 'registered' ? [] : [kind]),
    ...(hosts.length === 0 ? [] : [`redirects to ${hosts.map(quoteValue).join(' ')}`]),
  ].join('  ');
}

function hostOf(uri: string): string {
  return URL.canParse(uri) ? new URL(uri).hostname : uri;
}

/** A client, and its new secret in the form of a credentials file. */
export function clientWithSecret(client: ClientResponse): string {
  if (client.client_secret === undefined) return clientLine(client);
  return `${clientLine(client)}\n\nThe secret of the client. It is shown only once:\n\nOAUTH_CLIENT_ID=${quoteValue(client.client_id)}\nOAUTH_CLIENT_SECRET=${quoteValue(client.client_secret)}`;
}

/** A client, and its keys with one key a line. */
export function clientWithKeys(client: ClientResponse): string {
  return [clientLine(client), '', ...client.keys.map(keyText)].join('\n');
}

/** A client that `--if-absent` found, and in which members it differs from the one that was asked for. */
export function existingClientText(client: ClientResponse, differences: readonly string[]): string {
  const text = `${clientLine(client)}\n\nThe client exists. Nothing was changed.`;
  return differences.length === 0 ? text : `${text} It differs in: ${differences.join(', ')}.`;
}

/** A client with one member a line. */
export function clientMembers(client: ClientResponse): string {
  const members = {
    client_id: quoteValue(client.client_id),
    name: quoteValue(client.client_name),
    active: client.active ? 'yes' : 'no',
    scope: quoteWords(client.scope),
    resources: client.resources.map(quoteValue).join(' '),
    ...(client.resource_server !== null && { 'resource server': quoteValue(client.resource_server) }),
    ...(client.kind !== 'registered' && { kind: client.kind }),
    authentication: client.token_endpoint_auth_method,
    ...(client.redirect_uris.length > 0 && { 'redirect URIs': client.redirect_uris.map(quoteValue).join(' ') }),
    'one token at a time': client.one_token_at_a_time ? 'yes' : 'no',
    created: client.created_at,
    updated: client.updated_at,
    ...(client.redirect_uris.length > 0 && { 'last connected': client.last_used_at ?? 'never' }),
  };
  const secrets = client.secrets.map(
    ({ created_at, expires_at, last_used_at }) =>
      [
        'secret',
        `created ${created_at}, expires ${expires_at ?? 'never'}, last used ${last_used_at ?? 'never'}`,
      ] as const,
  );
  const keys = client.keys.map((key) => ['key', keyText(key)] as const);
  return [...Object.entries(members), ...secrets, ...keys]
    .map(([name, text]) => `${name.padEnd(21)}${text}`)
    .join('\n');
}

function keyText({ thumbprint, kid, expires_at }: ClientResponse['keys'][number]): string {
  return `${quoteValue(thumbprint)}, kid ${show(kid)}, expires ${expires_at ?? 'never'}`;
}

/** An account on one line. */
export function userLine({
  username,
  active,
  passkeys,
  has_password,
  connections,
  last_sign_in_at,
}: UserResponse): string {
  const ways = [`${passkeys} ${passkeys === 1 ? 'passkey' : 'passkeys'}`, ...(has_password ? ['a password'] : [])];
  return [
    quoteValue(username),
    active ? 'active  ' : 'disabled',
    ways.join(' and '),
    `${connections} ${connections === 1 ? 'connection' : 'connections'}`,
    `last signed in ${last_sign_in_at ?? 'never'}`,
  ].join('  ');
}

/** A connection on one line. */
export function connectionLine(connection: ConnectionResponse): string {
  const { id, username, client_name, client_id, scope, redirect_host, created_at, last_used_at } = connection;
  return [
    quoteValue(id),
    quoteValue(username),
    quoteValue(client_name),
    quoteValue(client_id),
    quoteWords(scope),
    `redirects to ${quoteValue(redirect_host)}`,
    `since ${created_at}`,
    `last used ${last_used_at ?? 'never'}`,
  ].join('  ');
}

/** A signing key on one line. */
export function keyLine({ kid, alg, status, signs_from, published_until, revoked_at }: KeyResponse): string {
  return [
    quoteValue(kid),
    alg,
    status.padEnd(8),
    `signs from ${signs_from}`,
    ...(published_until === null ? [] : [`published until ${published_until}`]),
    ...(revoked_at === null ? [] : [`revoked ${revoked_at}`]),
  ].join('  ');
}

/** A one-time link, and what to do with it. */
export function linkText({ url, expires_at }: LinkResponse, whom: string): string {
  return `Give ${quoteValue(whom)} this link. It works once, until ${expires_at}:\n\n${toVisibleUrl(url)}`;
}

function toVisibleUrl(url: string): string {
  return /^[\x21-\x7e]+$/.test(url) ? url : toVisibleJson(url);
}

/** Which resource servers have confirmed a revocation. */
export function revocationText({ confirmed, pending }: RevocationResponse, milliseconds: number): string {
  const all = confirmed.length + pending.length;
  if (all === 0) return 'revoked; no resource server has authenticated';
  const text = `revoked; confirmed by ${confirmed.length} of ${all} resource servers in ${Math.round(milliseconds)} ms`;
  return [text, ...pending.map((reader) => `  not confirmed: ${quoteValue(reader)}`)].join('\n');
}

/**
 * An audit event on one line. A caller whose authentication failed chose the name that is shown here, so each value is
 * quoted unless it is one plain word.
 */
export function auditLine(event: AuditEventResponse): string {
  const { id, at, outcome, actor, address, action, target, request_id, detail } = event;
  const origin = `${show(actor)}@${show(address)}`;
  return [id, at, outcome.padEnd(7), origin, show(action), show(target), show(request_id), toVisibleJson(detail)].join(
    '  ',
  );
}

function show(value: string | null): string {
  return value === null ? '-' : quoteValue(value);
}

/** Words that are separated by one space, such as scopes. */
function quoteWords(words: string): string {
  const isPlain = words.split(' ').every((word) => quoteValue(word) === word);
  return isPlain ? words : toVisibleJson(words);
}
