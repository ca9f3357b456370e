import type Provider from 'oidc-provider';
import { expect, test } from 'vitest';
import type { ClientRecord } from '../clients/clients.ts';
import { applyClientCache } from './client-cache.ts';

test.each([[{ $ne: null }], [['client']], [5], [true], [null], [undefined]])(
  'a client id that is %j is looked up as an empty id',
  async (clientId) => {
    const lookedUp: unknown[] = [];
    const provider = { Client: { find: () => expect.unreachable() } } as unknown as Provider;
    applyClientCache(provider, {
      async find(id) {
        lookedUp.push(id);
        return undefined satisfies ClientRecord | undefined;
      },
    });
    expect(await provider.Client.find(clientId as never)).toBeUndefined();
    expect(lookedUp).toEqual(['']);
  },
);
