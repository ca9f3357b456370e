import type { TestContext } from 'vitest';

/**
 * Skips a test whose program is not installed on this machine. With `CI=true` the test fails instead, because there every
 * test has to run.
 * @throws {Error} with `CI=true`.
 */
export function skipOutsideCi(skip: TestContext['skip'], reason: string): never {
  if (process.env.CI === 'true') throw new Error(`With CI=true this test may not be skipped. ${reason}`);
  return skip(reason);
}
