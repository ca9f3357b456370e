import * as z from 'zod';
import { MAX_IDEMPOTENCY_KEY_CHARACTERS } from '../../shared/todo/limits.ts';
import { Version } from '../../shared/todo/todo.ts';

// input fields that several tools have

const IDEMPOTENCY_KEY = `1 to ${MAX_IDEMPOTENCY_KEY_CHARACTERS} visible characters without quotes`;
const SYNTAX = new RegExp(`^[\\x21\\x23-\\x5b\\x5d-\\x7e]{1,${MAX_IDEMPOTENCY_KEY_CHARACTERS}}$`);

/** The version that a todo must have for a change to be made. */
export const ExpectedVersion = Version.describe('Fail if the todo has another version');

/** A key that makes a repeated call safe: the second call with it does nothing and gets the first result. */
export const IdempotencyKey = z
  .string(IDEMPOTENCY_KEY)
  // not .regex(): the listing of a tool would repeat the pattern, which a model does not need
  .refine((value) => SYNTAX.test(value), IDEMPOTENCY_KEY)
  .describe('Unique key. A call repeated with it is done once');
