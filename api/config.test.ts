import { expect, test } from 'vitest';
import { readApiConfig } from './config.ts';

test('a subject can use 3000 points per minute, or API_RATE_LIMIT', () => {
  expect(readApiConfig({}).API_RATE_LIMIT).toBe(3000);
  expect(readApiConfig({ API_RATE_LIMIT: '1' }).API_RATE_LIMIT).toBe(1);
});

test.each(['0', '-1', '1.5', 'many', '1e30', 'Infinity'])('the rate limit %s is rejected', (API_RATE_LIMIT) => {
  expect(() => readApiConfig({ API_RATE_LIMIT })).toThrow(/API_RATE_LIMIT: expected points, 1 to 1000000000/);
});

test('the client credentials are optional, and one without the other is rejected', () => {
  expect(readApiConfig({})).not.toHaveProperty('OAUTH_CLIENT_ID');
  const credentials = { OAUTH_CLIENT_ID: 'api', OAUTH_CLIENT_SECRET: 'secret' };
  expect(readApiConfig(credentials)).toMatchObject(credentials);
  for (const name of ['OAUTH_CLIENT_ID', 'OAUTH_CLIENT_SECRET'])
    expect(() => readApiConfig({ [name]: 'x' })).toThrow(
      /OAUTH_CLIENT_SECRET: expected OAUTH_CLIENT_ID and OAUTH_CLIENT_SECRET, or neither/,
    );
});

test('a subject can store 50,000 todos and 100 MB of text, or QUOTA_TODOS and QUOTA_BYTES', () => {
  expect(readApiConfig({})).toMatchObject({ QUOTA_TODOS: 50_000, QUOTA_BYTES: 100_000_000 });
  expect(readApiConfig({ QUOTA_TODOS: '1', QUOTA_BYTES: '2' })).toMatchObject({ QUOTA_TODOS: 1, QUOTA_BYTES: 2 });
});

test.each(['0', '-1', '1.5', 'many', '1e30'])('the quota %s is rejected', (value) => {
  expect(() => readApiConfig({ QUOTA_TODOS: value })).toThrow(/QUOTA_TODOS: expected todos, 1 to 2000000000/);
  expect(() => readApiConfig({ QUOTA_BYTES: value })).toThrow(/QUOTA_BYTES: expected bytes, 1 to 1000000000000/);
});

test('invalid origins are rejected with the name of the variable', () => {
  expect(() => readApiConfig({ API_CORS_ORIGINS: 'app.example' })).toThrow(/API_CORS_ORIGINS: expected \* or origins/);
});

test('the headers of the collector are name=value pairs, and a secret in them is not repeated', () => {
  const read = (OTEL_EXPORTER_OTLP_HEADERS: string) => readApiConfig({ OTEL_EXPORTER_OTLP_HEADERS });
  expect(read('x-key=a%20b==, x-other=').OTEL_EXPORTER_OTLP_HEADERS).toEqual({ 'x-key': 'a b==', 'x-other': '' });
  for (const invalid of ['my-secret', 'x-key=%', 'x-key=1,,', 'x key=my-secret']) {
    expect(() => read(invalid)).toThrow(/OTEL_EXPORTER_OTLP_HEADERS: expected name=value pairs, separated by commas/);
    expect(() => read(invalid)).not.toThrow(/my-secret/);
  }
});

test.each(['-0.1', '1.1', 'all'])('%s is no part of the traces', (OTEL_TRACES_SAMPLER_ARG) => {
  expect(() => readApiConfig({ OTEL_TRACES_SAMPLER_ARG })).toThrow(
    /OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1/,
  );
});
