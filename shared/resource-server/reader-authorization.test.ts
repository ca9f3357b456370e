import { expect, test } from 'vitest';
import { createIssuer } from './issuer.ts';
import { createReaderAuthorization } from './reader-authorization.ts';

/** Creates the authorization of a reader, and the list of its warnings. */
function create(identifier: string, clientSecret = 'secret') {
  const warnings: object[] = [];
  const authorization = createReaderAuthorization({
    credentials: { clientId: 'api', clientSecret },
    issuer: createIssuer({ identifier }),
    logger: { warn: (fields) => void warnings.push(fields) },
  });
  return { authorization, warnings };
}

test('the secret is encoded as in a form, and each process has a name of its own', () => {
  const headers = Array.from({ length: 2 }, () =>
    create('https://auth.example', 'a:b c%é').authorization.headersFor('https://auth.example/lists'),
  );
  for (const sent of headers) {
    expect(sent?.authorization).toBe(`Basic ${Buffer.from('api:a%3Ab+c%25%C3%A9').toString('base64')}`);
    expect(sent?.['status-list-reader']).toMatch(/^[\x21-\x7e]{1,60}-[0-9a-f]{8}$/);
  }
  expect(headers[0]?.['status-list-reader']).not.toBe(headers[1]?.['status-list-reader']);
});

test('to an address that must not get the secret, no credentials are sent, and one warning says so', () => {
  const { authorization, warnings } = create('http://auth.example');
  const uri = 'http://auth.example/oauth/status-lists';
  for (let request = 0; request < 3; request += 1) expect(authorization.headersFor(uri)).toBeUndefined();
  expect(warnings).toEqual([{ event: 'status_lists.credentials_withheld', uri }]);
});
