import { afterEach, expect, test, vi } from 'vitest';
import { skipOutsideCi } from './skip-outside-ci.ts';

afterEach(() => void vi.unstubAllEnvs());

const skip = () => {
  throw new Error('skipped');
};

test('a test whose program is not installed is skipped on the machine of a developer', () => {
  vi.stubEnv('CI', undefined);
  expect(() => skipOutsideCi(skip, 'nginx is not installed')).toThrow('skipped');
});

test('with CI=true a test whose program is not installed fails', () => {
  vi.stubEnv('CI', 'true');
  expect(() => skipOutsideCi(skip, 'nginx is not installed')).toThrow(
    'With CI=true this test may not be skipped. nginx is not installed',
  );
});
