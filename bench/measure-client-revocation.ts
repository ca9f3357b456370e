import { randomBytes } from 'node:crypto';
import { authDatabase } from '../auth/database/definition.ts';
import { createRevocations } from '../auth/revocation/revocations.ts';
import { openSigningKeys } from '../auth/signing-keys/signing-keys.ts';
import { createLeases } from '../auth/status-lists/leases.ts';
import { openStatusLists } from '../auth/status-lists/status-lists.ts';
import { openOrm } from '../shared/database/orm.ts';
import { createLogger } from '../shared/logger.ts';
import { openTestDatabase } from '../shared/testing/test-database.ts';

/** The number of clients whose access tokens are revoked, and of the access tokens of each. */
const CLIENTS = 7;
const CLIENT_TOKENS = 100_000;

const TOKEN_TTL_SECONDS = 3600;

/** The time and the database rows that it takes to revoke all access tokens of a client. */
export type ClientRevocation = {
  readonly milliseconds: readonly number[];
  readonly tokens: number;
  readonly blocks: number;
  readonly rows: number;
};

/** Measures how long it takes to revoke all access tokens of a client: the commit, and the publication by the same process. */
export async function measureClientRevocation(): Promise<ClientRevocation> {
  await using database = await openTestDatabase();
  await using orm = await openOrm(database, authDatabase);
  const { em } = orm;
  const logger = createLogger({ name: 'bench', level: 'error' });
  const signingKeys = await openSigningKeys({
    em,
    logger,
    algorithm: 'ES256',
    keyEncryptionKeys: [randomBytes(32)],
    accessTokenTtl: TOKEN_TTL_SECONDS,
  });
  await using statusLists = await openStatusLists({ database, em, issuer: 'http://127.0.0.1:1', signingKeys, logger });
  const leases = createLeases({ em, listLifetimeSeconds: TOKEN_TTL_SECONDS, isInvalid: statusLists.isInvalid });
  const revocations = createRevocations({ em, statusLists, record: () => undefined });
  const milliseconds: number[] = [];
  const expiresAt = Math.floor(Date.now() / 1000) + TOKEN_TTL_SECONDS;
  let [blocks, rows] = [0, 0];
  for (let number = 0; number < CLIENTS; number++) {
    const client = `client-${number}`;
    await em.fork().execute(
      `insert into auth.client (client_id, name, scopes, resources, token_endpoint_auth_method)
         values (?, 'Bench', '{todos:read}', '{}', 'client_secret_basic')`,
      [client],
    );
    for (let token = 0; token < CLIENT_TOKENS; token++) await leases.assign(client, expiresAt);
    const before = await countRows();
    const startedAt = performance.now();
    await revocations.revokeClient(client, { actor: 'bench', address: null, requestId: null, reason: 'measured' });
    milliseconds.push(performance.now() - startedAt);
    const after = await countRows();
    blocks = before.leases - after.leases;
    rows = after.revocations - before.revocations;
  }
  return { milliseconds, tokens: CLIENT_TOKENS, blocks, rows };

  async function countRows() {
    const [counts] = await em
      .fork()
      .execute<{ leases: number; revocations: number }[]>(
        'select (select count(*)::int from auth.lease) as leases, (select count(*)::int from auth.revocation) as revocations',
      );
    return counts ?? { leases: 0, revocations: 0 };
  }
}
