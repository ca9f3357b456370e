import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createDynamicClientId, RegistrationRequest } from './registration-request.ts';

test('two requests get one client id exactly when the same metadata would be stored', () => {
  const uri = fc.constantFrom(
    'http://localhost:1/a',
    'http://localhost:2/a',
    'https://a.example/',
    'http://127.0.0.1:3/a',
  );
  const request = fc.record({
    client_name: fc.constantFrom('a', 'b', ''),
    redirect_uris: fc.array(uri, { minLength: 1, maxLength: 4 }),
    client_uri: fc.constantFrom('https://a.example/', 'https://b.example/'),
  });
  const stored = (given: object) => {
    const { redirect_uris, ...rest } = RegistrationRequest.parse(given);
    const ports = redirect_uris.map((text) => text.replace(/^(http:\/\/[^/:]+):\d+/, '$1'));
    return JSON.stringify([rest, [...new Set(ports)].toSorted()]);
  };
  fc.assert(
    fc.property(request, request, (one, two) => {
      const [first, second] = [one, two].map((given) => createDynamicClientId(RegistrationRequest.parse(given)));
      expect(first === second).toBe(stored(one) === stored(two));
    }),
  );
});
