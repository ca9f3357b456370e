import { hasExpired } from '../clients/client-secret.ts';
import type { Clients } from '../clients/clients.ts';
import { isResourceServer } from './authenticate-reader.ts';
import type { Readers } from './readers.ts';

/**
 * Removes readers as soon as their client is disabled or deleted, or their secret is replaced. Otherwise a reader that
 * waits, and so makes no request that could be rejected, would count for up to a minute.
 */
export function removeInvalidReaders({
  clients,
  readers,
}: {
  clients: Pick<Clients, 'find' | 'onChange'>;
  readers: Pick<Readers, 'clientIds' | 'removeUnless'>;
}): void {
  clients.onChange((changed) => {
    for (const clientId of readers.clientIds()) {
      // without the database the change is not known; the next request of the reader authenticates it again
      if (changed === undefined || changed === clientId) remove(clientId).catch(() => undefined);
    }
  });

  async function remove(clientId: string): Promise<void> {
    const client = await clients.find(clientId);
    readers.removeUnless(
      clientId,
      (secretHash) =>
        client !== undefined &&
        isResourceServer(client) &&
        client.secrets.some((secret) => secret.hash === secretHash && !hasExpired(secret)),
    );
  }
}
