import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { openOrm } from '../../shared/database/orm.ts';
import { openTestDatabase } from '../../shared/testing/test-database.ts';
import { insertClient } from '../clients/clients.ts';
import { authDatabase } from '../database/definition.ts';
import { createRevocations } from '../revocation/revocations.ts';
import type { KeySettings } from '../signing-keys/key-store.ts';
import { openSigningKeys } from '../signing-keys/signing-keys.ts';
import { createLeases } from '../status-lists/leases.ts';
import { openStatusLists } from '../status-lists/status-lists.ts';

export const TEST_ISSUER = 'http://auth.example';

/** Opens the status lists on a test database that has the clients `holder` and `other`. */
export async function openTestStatusLists() {
  await using opening = new AsyncDisposableStack();
  const database = opening.use(await openTestDatabase());
  const { em } = opening.use(await openOrm(database, authDatabase));
  const logger = pino({ level: 'silent' });
  const keySettings = {
    algorithm: 'ES256',
    keyEncryptionKeys: [randomBytes(32)],
    accessTokenTtl: 60,
  } satisfies KeySettings;
  const signingKeys = await openSigningKeys({ em, logger, ...keySettings });
  const options = { database, em, issuer: TEST_ISSUER, signingKeys, logger };
  const statusLists = opening.use(await openStatusLists(options));
  for (const clientId of ['holder', 'other']) {
    await insertClient(em.fork(), {
      clientId,
      name: 'Holder',
      scopes: ['todos:read'],
      resources: [],
      resourceServer: null,
      tokenEndpointAuthMethod: 'client_secret_basic',
      secretHash: null,
      jwks: null,
    });
  }
  const opened = opening.move();
  return {
    database,
    em,
    statusLists,
    keySettings,
    signingKeys,
    revocations: createRevocations({ em, statusLists, record: () => undefined }),
    /** Opens the status lists of another process on the same database. */
    openOtherProcess: () => openStatusLists(options),
    createLeases: () => createLeases({ em, listLifetimeSeconds: 60, isInvalid: statusLists.isInvalid }),
    disable: (clientId: string) => em.execute('update auth.client set active = false where client_id = ?', [clientId]),
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Returns a time in a minute, in seconds since the epoch. */
export function inOneMinute(): number {
  return Math.floor(Date.now() / 1000) + 60;
}
