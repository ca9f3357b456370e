import * as z from 'zod';
import type { Schema } from './openapi.ts';

/** Whether a schema describes what a client sends (`input`) or what it receives (`output`). */
type Direction = 'input' | 'output';

/** Converts schemas into JSON Schemas that refer to each other by their names in the document. */
export function toJsonSchemas(io: Direction, schemas: Readonly<Record<string, z.ZodType>>) {
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

/** Converts one schema into a JSON Schema that contains everything that it needs. */
export function toJsonSchema(io: Direction, schema: z.ZodType): Schema {
  const { $schema, ...converted } = z.toJSONSchema(schema, {
    io,
    target: 'draft-2020-12',
    override: ({ jsonSchema }) => simplify(jsonSchema, io),
  });
  return converted;
}

/** Converts a query into a JSON Schema for each parameter. To zod every parameter is a string; here it has its real type. */
export function toQuerySchemas(query: z.ZodType): Readonly<Record<string, Schema>> {
  const { properties = {} } = toJsonSchema('input', query);
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => {
      if (typeof schema === 'boolean') throw new Error(`the parameter ${name} has no schema`);
      if (schema.type === 'integer') delete schema.pattern;
      if (schema.enum?.join() === 'true,false') return [name, { ...without(schema, 'enum'), type: 'boolean' }];
      return [name, schema];
    }),
  );
}

function simplify(schema: Schema, io: Direction): void {
  // the pattern of a time or a UUID repeats its format in 300 characters
  if (schema.format !== undefined) delete schema.pattern;
  // the limits of an integer in JavaScript are not limits of the API
  if (schema.type === 'integer' && schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.type === 'integer' && schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  // a generated client makes a member with a default required, but it may be left out of a request
  if (io === 'input' && schema.default !== undefined) {
    schema.description = [schema.description, `Without it: ${JSON.stringify(schema.default)}`]
      .filter(Boolean)
      .join('. ');
    delete schema.default;
  }
  // a later version may add members to a response, which breaks no client that ignores unknown members
  if (io === 'output') delete schema.additionalProperties;
}

function without(schema: Schema, name: keyof Schema): Schema {
  const { [name]: _, ...rest } = schema;
  return rest;
}
