import { userInfo } from 'node:os';
import { defineConfig } from 'vitest/config';

// `npm run test:postgres`: a server of this machine, and the role that psql would take, unless DATABASE_URL says otherwise
const postgresql = process.env.DATABASE_URL || `postgresql://${userInfo().username}@127.0.0.1:5432/postgres`;

export default defineConfig({
  test: {
    include: ['{auth,api,mcp,shared,cli,scripts,test}/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // what comes within milliseconds takes seconds on a machine that does something else
    expect: { poll: { timeout: 10_000 } },
    env: process.env.TEST_DATABASE === 'postgresql' ? { TEST_DATABASE_URL: postgresql } : {},
  },
});
