import * as z from 'zod';

/** What makes a call that is made again do nothing twice. */
export const IdempotencyKey = z
  .string('1 to 255 visible characters without quotes')
  .regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,255}$/, '1 to 255 visible characters without quotes')
  .describe('The same in a repeated call: it is then done once');
