import type { AuditEventResponse, ClientResponse, RevocationResponse } from '../auth/admin/contract.ts';

/** A client in a line. */
export function clientLine({ client_id, client_name, scope, active }: ClientResponse): string {
  return `${client_id}  ${active ? 'active  ' : 'disabled'}  ${scope}  ${client_name}`;
}

/** A client, and the secret that was just made. */
export function clientWithSecret(client: ClientResponse): string {
  if (client.client_secret === undefined) return clientLine(client);
  return `${clientLine(client)}\n\nIts secret, which is shown this once:\n\nOAUTH_CLIENT_ID=${client.client_id}\nOAUTH_CLIENT_SECRET=${client.client_secret}`;
}

/** A client, every member in a line. */
export function clientMembers(client: ClientResponse): string {
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

/** How far a revocation has come. */
export function confirmationText({ confirmed, pending }: RevocationResponse, milliseconds: number): string {
  const all = confirmed.length + pending.length;
  const text = `revoked; confirmed by ${confirmed.length} of ${all} resource servers in ${Math.round(milliseconds)} ms`;
  return [text, ...pending.map((reader) => `  not yet: ${reader}`)].join('\n');
}

/** An event of the audit in a line. Whoever was refused chose what he is called: it must not speak to a terminal. */
export function auditLine(event: AuditEventResponse): string {
  const { id, at, outcome, actor, address, action, target, request_id, detail } = event;
  const who = `${actor ?? '-'}@${address ?? '-'}`;
  return [id, at, outcome.padEnd(7), who, action, target ?? '-', request_id ?? '-', JSON.stringify(detail)]
    .join('  ')
    .replaceAll(/\p{Cc}/gu, '\ufffd');
}
