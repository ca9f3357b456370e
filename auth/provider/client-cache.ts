import type Provider from 'oidc-provider';
import type { Client } from 'oidc-provider';
import type { ClientRecord, Clients } from '../clients/clients.ts';

/**
 * Lets the provider look clients up by their record in `clients`, and keeps what it built and checked of a record for as
 * long as that is the client's. By itself it asks for the metadata with each request, and hashes it to know whether it
 * changed.
 */
export function cacheBuiltClients(provider: Provider, clients: Pick<Clients, 'find'>): void {
  const { Client } = provider;
  const build = Client.find;
  const built = new WeakMap<ClientRecord, Client>();

  Client.find = async function find(clientId: unknown) {
    // sub of a client assertion comes here as it is in the JSON, and an object would be a query of its own
    const record = await clients.find(typeof clientId === 'string' ? clientId : '');
    // a client that is disabled is as unknown as one that never was
    if (record === undefined || !record.active) return undefined;
    const client = built.get(record) ?? (await build.call(Client, record.clientId));
    if (client !== undefined) built.set(record, client);
    return client;
  };
}
