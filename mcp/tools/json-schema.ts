import * as z from 'zod';

/** The JSON Schema (2020-12) of an object, as a tool lists it. */
export type JsonSchema = { readonly type: 'object'; readonly [keyword: string]: unknown };

/** Creates the JSON Schema of the arguments of a tool. */
export function createInputSchema(schema: z.ZodType): JsonSchema {
  return createJsonSchema(schema, 'input');
}

/** Creates the JSON Schema of the structured output of a tool. */
export function createOutputSchema(schema: z.ZodType): JsonSchema {
  return createJsonSchema(schema, 'output');
}

/** The largest integer of a PostgreSQL column. No version reaches it. */
const MAX_INTEGER = 2_147_483_647;

/** Leaves out what a model does not need, because it pays for every byte of a listing. */
function createJsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const generated = z.toJSONSchema(schema, {
    io,
    override({ jsonSchema }) {
      // `format` says the same
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
      // a client that has cached this schema must accept a result with a new field
      if (io === 'output') delete jsonSchema.additionalProperties;
      const [only, nothing] = jsonSchema.anyOf ?? [];
      if (typeof only?.type === 'string' && nothing?.type === 'null') {
        Object.assign(jsonSchema, only, { type: [only.type, 'null'] });
        delete jsonSchema.anyOf;
      }
      // a default of null or of an empty list says nothing new
      if (jsonSchema.default === null || Object(jsonSchema.default).length === 0) delete jsonSchema.default;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER || jsonSchema.maximum === MAX_INTEGER)
        delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  // 2020-12 is the default dialect (MCP 2025-11-25, JSON Schema Usage)
  delete generated.$schema;
  return { ...generated, type: 'object' };
}
