import { exportJWK, generateKeyPair } from 'jose';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { openClients } from '../clients/clients.ts';
import { ConnectionEntity } from '../connections/connection.entity.ts';
import { openTestStatusLists } from '../testing/test-status-lists.ts';
import type { FetchPublic } from './fetch-public.ts';
import { createMetadataDocuments } from './metadata-documents.ts';

test('the keys of a client are fetched again in the background, also behind clients whose hosts do not answer', async () => {
  await using opened = await openTestStatusLists();
  const { em, database } = opened;
  await using clients = await openClients({ database, em });
  const createKey = async () => exportJWK((await generateKeyPair('ES256')).publicKey);
  const [old, replacement] = [await createKey(), await createKey()];
  let key = old;
  let areDown = false;
  const fetchPublic: FetchPublic = async (url) => {
    const { hostname, pathname } = new URL(url);
    if (areDown && hostname.startsWith('down')) throw new Error('unreachable');
    const document = {
      client_id: url,
      client_name: hostname,
      redirect_uris: ['https://assistant.example/callback'],
      token_endpoint_auth_method: 'private_key_jwt',
      jwks_uri: `https://${hostname}/jwks`,
    };
    const body = JSON.stringify(pathname === '/jwks' ? { keys: [key] } : document);
    return { status: 200, headers: { 'content-type': 'application/json' }, body };
  };
  const documents = createMetadataDocuments({
    ...{ em, clients, policy: 'any', resources: [], fetchPublic, logger: pino({ level: 'silent' }) },
  });
  const down = Array.from({ length: 5 }, (_, index) => `https://down${index}.example/client.json`);
  const reachable = 'https://reachable.example/client.json';
  for (const id of [...down, reachable]) await documents.prepare(id, { address: '192.0.2.1', mayFetchNew: true });
  const connect = (clientId: string) =>
    em.fork().insert(ConnectionEntity, {
      id: `con_${new URL(clientId).hostname}`,
      accountId: 'usr_ada',
      clientId,
      clientName: 'An assistant',
      redirectHost: 'assistant.example',
      resource: 'http://mcp.example',
      scopes: ['todos:read'],
      expiresAt: new Date(Date.now() + 60_000),
    });
  const setAge = (id: string, hours: number) =>
    em.execute('update auth.client set document_fetched_at = now() - make_interval(hours => ?) where client_id = ?', [
      hours,
      id,
    ]);
  const readKeys = async () => Object((await clients.find(reachable))?.jwks).keys;

  for (const id of down) await connect(id);
  await setAge(reachable, 2);
  key = replacement;
  await documents.refreshKeys();
  // no person has allowed this client, so its keys are not needed
  expect(await readKeys()).toMatchObject([{ x: old.x }]);

  await connect(reachable);
  await setAge(reachable, 0);
  await documents.refreshKeys();
  expect(await readKeys()).toMatchObject([{ x: old.x }]);

  for (const id of down) await setAge(id, 3);
  await setAge(reachable, 2);
  areDown = true;
  await documents.refreshKeys();
  await documents.refreshKeys();
  expect(await readKeys()).toMatchObject([{ x: replacement.x }]);
  // the others keep the keys that they had
  expect(Object((await clients.find(down[0] ?? ''))?.jwks).keys).toMatchObject([{ x: old.x }]);
});
