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

/** The formats that every model provider accepts. */
const INPUT_FORMATS: ReadonlySet<unknown> = new Set(['date-time', 'date']);

/** Leaves out what a model does not need, because it pays for every byte of a listing. */
function createJsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const generated = z.toJSONSchema(schema, {
    io,
    override({ jsonSchema }) {
      // `format` says the same
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
      // some model providers reject a schema with any other format
      if (io === 'input' && !INPUT_FORMATS.has(jsonSchema.format)) delete jsonSchema.format;
      // a client that has cached this schema must accept a result with a new field
      if (io === 'output') delete jsonSchema.additionalProperties;
      // some model providers reject a list of types, and some converters read nothing beside `anyOf`
      const [only, nothing] = jsonSchema.anyOf ?? [];
      if (only !== undefined && nothing?.type === 'null') {
        if (jsonSchema.description !== undefined) only.description = jsonSchema.description;
        delete jsonSchema.description;
        // null as the default means the same as nothing
        if (io === 'input' && jsonSchema.default === null) {
          Object.assign(jsonSchema, only);
          delete jsonSchema.anyOf;
        }
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
