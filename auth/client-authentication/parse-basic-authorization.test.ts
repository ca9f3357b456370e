import { expect, test } from 'vitest';
import { parseBasicAuthorization } from './parse-basic-authorization.ts';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test('the id and the secret are decoded as in a form', () => {
  expect(parseBasicAuthorization(basic('api:secret'))).toEqual({ clientId: 'api', clientSecret: 'secret' });
  expect(parseBasicAuthorization(basic('a%3Ab+c:s:e%25+é').replace('Basic', 'bASIC'))).toEqual({
    clientId: 'a:b c',
    clientSecret: 's:e% é',
  });
});

test.each([
  ['another scheme', 'Bearer abc'],
  ['no credentials', 'Basic'],
  ['text that is not base64', 'Basic a:b'],
  ['two tokens', `${basic('api:secret')} x`],
  ['no colon', basic('api')],
  ['no id', basic(':secret')],
  ['no secret', basic('api:')],
  ['a percent sign that encodes nothing', basic('api:100%')],
])('a header with %s is malformed', (_what, header) => {
  expect(parseBasicAuthorization(header)).toBeUndefined();
});
