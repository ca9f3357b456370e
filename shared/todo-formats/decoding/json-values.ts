import * as z from 'zod';
import { UnreadableFileError } from '../file-errors.ts';
import { requireFewTodos } from './todo-limit.ts';

/** A member that is read if it has the type of the format, and is absent otherwise. */
export const OptionalText = z.string().optional().catch(undefined);
export const OptionalFlag = z.boolean().optional().catch(undefined);

/** A member that is a text. Another value becomes the text that JSON has for it, so that it can be named as unreadable. */
export const WrittenText = z.unknown().transform(toText).optional();

/** Returns undefined for a value that is absent or null. */
export function toText(value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined;
  return typeof value === 'string' ? value : JSON.stringify(value);
}

export function optionalList<Schema extends z.ZodType>(schema: Schema) {
  return z.array(z.unknown()).transform(withoutNull).pipe(z.array(schema)).optional().catch(undefined);
}

/**
 * Reads a list of objects. An absent list is empty, and an object that is null is absent.
 * @param where what the list is, for the error.
 */
export function readObjects<Schema extends z.ZodType>(
  value: unknown,
  schema: Schema,
  where: string,
): z.infer<Schema>[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new UnreadableFileError(`${where}: expected a JSON list. Export the file again`);
  requireFewTodos(value.length);
  return value.flatMap((item: unknown, index) => {
    if (item === null) return [];
    const parsed = schema.safeParse(item);
    if (parsed.success) return [parsed.data];
    throw new UnreadableFileError(`${where}, item ${index + 1}: expected a JSON object. Export the file again`);
  });
}

function withoutNull(items: readonly unknown[]): unknown[] {
  return items.filter((item) => item !== null);
}
