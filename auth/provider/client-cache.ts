import type Provider from 'oidc-provider';
import type { Client } from 'oidc-provider';
import { findNextExpiryMs } from '../clients/client-keys.ts';
import type { ClientRecord, Clients } from '../clients/clients.ts';

/**
 * Caches the instance of `Client` that oidc-provider builds and validates from a client's record, until the record
 * changes or one of its keys expires. By itself oidc-provider reads the metadata for each request and hashes it to find the instance.
 */
export function applyClientCache(
  provider: Provider,
  clients: Pick<Clients, 'find'>,
  now: () => number = Date.now,
): void {
  const { Client } = provider;
  const build = Client.find;
  const built = new WeakMap<ClientRecord, { client: Client; untilMs: number }>();

  Client.find = async function find(clientId: unknown) {
    // a client assertion's `sub` is passed on as any JSON value, and an object would be a query of its own
    const record = await clients.find(typeof clientId === 'string' ? clientId : '');
    if (record === undefined) return undefined;
    const found = built.get(record);
    if (found !== undefined && now() < found.untilMs) return found.client;
    // determined before the client is built, so that a key that expires meanwhile is not kept
    const untilMs = findNextExpiryMs(record.jwks ?? { keys: [] }, now());
    const client = await build.call(Client, record.clientId);
    if (client !== undefined) built.set(record, { client, untilMs });
    return client;
  };
}
