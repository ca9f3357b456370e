import * as z from 'zod';
import { MAX_IDEMPOTENCY_KEY_CHARACTERS } from '../../shared/todo/limits.ts';

const KEY = `1 to ${MAX_IDEMPOTENCY_KEY_CHARACTERS} visible characters without quotes`;
const SYNTAX = new RegExp(`^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,${MAX_IDEMPOTENCY_KEY_CHARACTERS}}$`);

/** What makes a call that is made again do nothing twice. */
export const IdempotencyKey = z
  .string(KEY)
  .regex(SYNTAX, KEY)
  .describe('The same in a repeated call: it is then done once');
