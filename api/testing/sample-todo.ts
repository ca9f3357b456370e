import * as z from 'zod';
import { NewTodo, SERVER_FIELDS, Todo } from '../../shared/todo/todo.ts';

/** The names of all fields of a todo. */
export const FIELDS: readonly string[] = Object.keys(Todo.shape);

/** The names of the fields that a client sets. */
export const CLIENT_FIELDS: readonly string[] = FIELDS.filter((field) => !SERVER_FIELDS.some((name) => name === field));

/**
 * Creates a body that sets every field that a client can set, each to a value that is not its default, but for `due_on` in body 1
 * and `due_at` in body 2, because a todo has only one of them. The values follow
 * from the schema, so a field that is added to `Todo` has one too. Two bodies with different `number`s (1 or 2) have no
 * value in common, except where a field has only one value that is not the default.
 */
export function sampleTodo(number: 1 | 2): Readonly<Record<string, unknown>> {
  const defaults: Readonly<Record<string, unknown>> = NewTodo.parse({ title: 'default' });
  const { properties = {} } = z.toJSONSchema(Todo);
  const absent = number === 1 ? 'due_on' : 'due_at';
  return Object.fromEntries(
    CLIENT_FIELDS.map((field) => {
      if (field === absent) return [field, null];
      const values = candidates(properties[field], number);
      const value = values.find((value) => JSON.stringify(value) !== JSON.stringify(defaults[field]));
      if (value === undefined) throw new Error(`no sample value for the field ${field}: add its type here`);
      return [field, value];
    }),
  );
}

function candidates(schema: z.core.JSONSchema._JSONSchema | undefined, number: 1 | 2): readonly unknown[] {
  if (typeof schema !== 'object') return [];
  if (schema.anyOf !== undefined) return schema.anyOf.flatMap((one) => candidates(one, number));
  if (schema.enum !== undefined) return number === 1 ? schema.enum : schema.enum.toReversed();
  // a nullable field has two types
  const types: readonly unknown[] = [schema.type].flat();
  if (types.includes('boolean')) return [true];
  if (types.includes('integer')) return [(schema.minimum ?? 0) + number];
  if (types.includes('number')) return [number + 0.5];
  if (types.includes('array'))
    return typeof schema.items === 'object' ? [[schema.items].flat().flatMap((item) => candidates(item, number))] : [];
  if (types.includes('string') && schema.format === 'date-time') return [`203${number}-05-06T07:08:09.123Z`];
  if (types.includes('string') && schema.format === 'date') return [`203${number}-05-06`];
  if (types.includes('string') && schema.format === undefined) return [`sample ${number}`];
  return [];
}
