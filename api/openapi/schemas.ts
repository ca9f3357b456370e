import * as z from 'zod';
import { Batch, BatchResults } from '../../shared/todo/batch.ts';
import { ChangeFeed, TodoChange } from '../../shared/todo/change-feed.ts';
import { ImportCounts } from '../../shared/todo/import-counts.ts';
import { NewTodo, SentTodo, Todo } from '../../shared/todo/todo.ts';
import { toJsonSchemas } from './json-schema.ts';
import { type Reference, refer } from './openapi.ts';

const REQUEST_SCHEMAS = { NewTodo, SentTodo, Batch };

const RESPONSE_SCHEMAS = {
  Todo,
  TodoList: z.array(Todo),
  TodoChange,
  ChangeFeed,
  BatchResults,
  Deleted: z.object({ message: z.string() }),
  Imported: ImportCounts,
};

/** Creates the JSON Schemas of requests and responses from the schemas with which the API parses and writes them. */
export function createSchemas() {
  return { ...toJsonSchemas('input', REQUEST_SCHEMAS), ...toJsonSchemas('output', RESPONSE_SCHEMAS) };
}

/** Refers to a schema by its name. */
export function schema(name: keyof typeof REQUEST_SCHEMAS | keyof typeof RESPONSE_SCHEMAS): Reference {
  return refer('schemas', name);
}
