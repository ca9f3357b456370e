import { expect, test } from 'vitest';
import * as z from 'zod';
import { parseRequest } from './parse-request.ts';

test('of many invalid fields the first are listed and the rest counted', () => {
  const sent = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`field${index}`, 1]));
  let refusal: unknown;
  try {
    parseRequest(z.strictObject({}), sent, 'body');
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toMatchObject({
    fields: { length: 21 },
    message: expect.stringMatching(/^field0: .*body: [^;]* 4980 /),
  });
});
