import * as z from 'zod';
import type { Schema } from './openapi.ts';

/** The JSON Schemas of what is sent, or of what is answered; those that have a name refer to one another by it. */
export function toJsonSchemas(io: 'input' | 'output', schemas: Readonly<Record<string, z.ZodType>>) {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const converted = z.toJSONSchema(registry, {
    io,
    target: 'draft-2020-12',
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ jsonSchema }) => simplify(jsonSchema, io),
  });
  return Object.fromEntries(
    Object.entries(converted.schemas).map(([name, { $schema, $id, ...schema }]) => [name, schema]),
  );
}

/** The JSON Schema of a query, whose parameters are all strings to zod and are told as what they mean. */
export function toQuerySchemas(query: z.ZodType): Readonly<Record<string, Schema>> {
  const { properties = {} } = z.toJSONSchema(query, {
    io: 'input',
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => simplify(jsonSchema, 'input'),
  });
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => {
      if (typeof schema === 'boolean') throw new Error(`${name} is a parameter without a schema`);
      if (schema.type === 'integer') delete schema.pattern;
      if (schema.enum?.join() === 'true,false') return [name, { ...without(schema, 'enum'), type: 'boolean' }];
      return [name, schema];
    }),
  );
}

function simplify(schema: Schema, io: 'input' | 'output'): void {
  // the pattern says of a time or a UUID what its format says, in 300 characters
  if (schema.format !== undefined) delete schema.pattern;
  // every JSON number that is an integer to JavaScript
  if (schema.type === 'integer' && schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.type === 'integer' && schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  // an answer may get more members, which breaks no client that reads those it knows
  if (io === 'output') delete schema.additionalProperties;
}

function without(schema: Schema, name: keyof Schema): Schema {
  const { [name]: _, ...rest } = schema;
  return rest;
}
