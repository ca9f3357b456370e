import { userInfo } from 'node:os';
import { defineConfig } from 'vitest/config';
import { findDatabaseTests } from './scripts/find-database-tests.ts';

// `npm run test:postgres` uses the PostgreSQL server of DATABASE_URL. The default is the server of this machine, with the
// role that psql would use.
const url = process.env.DATABASE_URL || `postgresql://${userInfo().username}@127.0.0.1:5432/postgres`;

const isPostgresql = process.env.TEST_DATABASE === 'postgresql';

export default defineConfig({
  test: {
    // on PostgreSQL only the tests that use a database: the others did their work on the embedded one
    include: isPostgresql ? findDatabaseTests(import.meta.dirname) : ['**/*.test.ts'],
    // vitest leaves one core for itself by default, but most tests wait more than they compute
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // an event that takes milliseconds takes seconds while other programs use the processor
    expect: { poll: { timeout: 10_000 } },
    env: isPostgresql ? { TEST_DATABASE_URL: url } : {},
  },
});
