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

test('a client is built once, and again when one of its keys expires', async () => {
  const client = {
    clientId: 'program',
    jwks: { keys: [{ kty: 'EC' }, { kty: 'EC', exp: 10 }, { kty: 'EC', exp: 20 }] },
  } as unknown as ClientRecord;
  let built = 0;
  let now = 9_999;
  const provider = { Client: { find: async () => ({ built: ++built }) } } as unknown as Provider;
  applyClientCache(provider, { find: async () => client }, () => now);
  const find = async () => provider.Client.find('program');
  expect([await find(), await find()]).toEqual([{ built: 1 }, { built: 1 }]);
  now = 10_000;
  expect([await find(), await find()]).toEqual([{ built: 2 }, { built: 2 }]);
  now = 20_000;
  expect([await find(), await find()]).toEqual([{ built: 3 }, { built: 3 }]);
  now = 1_000_000;
  expect(await find()).toEqual({ built: 3 });
});
