import { errors } from 'oidc-provider';
import { expect, test } from 'vitest';
import {
  InvalidRequestParameterError,
  InvalidScopeError,
  InvalidTargetError,
  UnauthorizedClientError,
} from '../oauth-error.ts';
import { LeaseHolderNotFoundError } from '../status-lists/leases.ts';
import { throwProviderErrors, toProviderError } from './oauth-errors.ts';

test.each([
  [new InvalidRequestParameterError('why'), { statusCode: 400, error: 'invalid_request', error_description: 'why' }],
  [
    new InvalidScopeError('why', 'admin'),
    { statusCode: 400, error: 'invalid_scope', error_description: 'why', scope: 'admin' },
  ],
  [new InvalidTargetError('why'), { statusCode: 400, error: 'invalid_target', error_description: 'why' }],
  [new UnauthorizedClientError('why'), { statusCode: 400, error: 'unauthorized_client', error_description: 'why' }],
  [new LeaseHolderNotFoundError('demo'), { statusCode: 401, error: 'invalid_client' }],
])('%s becomes an error of oidc-provider', (error, expected) => {
  const translated = toProviderError(error);
  expect(translated).toBeInstanceOf(errors.OIDCProviderError);
  expect(translated).toMatchObject({ ...expected, expose: true });
});

test('an error without a translation stays as it is', () => {
  const error = new Error('a fault');
  expect(toProviderError(error)).toBe(error);
});

test('a wrapped function throws and rejects with errors of oidc-provider, and returns a plain result without a promise', async () => {
  const fail = () => {
    throw new InvalidTargetError('why');
  };
  expect(throwProviderErrors(fail)).toThrow(errors.CustomOIDCProviderError);
  await expect(throwProviderErrors(async () => fail())()).rejects.toThrow(errors.CustomOIDCProviderError);
  expect(throwProviderErrors((value: string) => value)('plain')).toBe('plain');
  expect(await throwProviderErrors(async (value: string) => value)('promised')).toBe('promised');
});
