import { userInfo } from 'node:os';
import { defineConfig } from 'vitest/config';

// `npm run test:postgres` uses the PostgreSQL server of DATABASE_URL. The default is the server of this machine, with the
// role that psql would use.
const postgresql = process.env.DATABASE_URL || `postgresql://${userInfo().username}@127.0.0.1:5432/postgres`;

export default defineConfig({
  test: {
    include: ['**/*.test.ts'],
    // vitest leaves one core for itself by default, but most tests wait more than they compute
    maxWorkers: '100%',
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // an event that takes milliseconds takes seconds while other programs use the processor
    expect: { poll: { timeout: 10_000 } },
    env: process.env.TEST_DATABASE === 'postgresql' ? { TEST_DATABASE_URL: postgresql } : {},
  },
});
