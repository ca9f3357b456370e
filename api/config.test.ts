import { expect, test } from 'vitest';
import { readApiConfig } from './config.ts';

test('a subject has 3000 requests per minute, unless the environment says otherwise', () => {
  expect(readApiConfig({}).API_RATE_LIMIT).toBe(3000);
  expect(readApiConfig({ API_RATE_LIMIT: '1' }).API_RATE_LIMIT).toBe(1);
});

test.each(['0', '-1', '1.5', 'many', '1e30', 'Infinity'])('a rate limit of %s is refused', (API_RATE_LIMIT) => {
  expect(() => readApiConfig({ API_RATE_LIMIT })).toThrow(/API_RATE_LIMIT: expected a number of requests, 1 or more/);
});

test('origins that are none are refused by the name of their variable', () => {
  expect(() => readApiConfig({ API_CORS_ORIGINS: 'app.example' })).toThrow(/API_CORS_ORIGINS: expected \* or origins/);
});
