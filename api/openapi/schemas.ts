import * as z from 'zod';
import { Batch, BatchResults } from '../../shared/todo/batch.ts';
import { ChangeFeed, TodoChange } from '../../shared/todo/change-feed.ts';
import { ImportedTodo, NewTodo, Todo, TodoChanges } from '../../shared/todo/todo.ts';
import { toJsonSchemas } from './json-schema.ts';
import { type Reference, refer } from './openapi.ts';
import { BatchProblem, Problem } from './problem-schemas.ts';

/** What is sent. */
const REQUESTS = { NewTodo, TodoChanges, ImportedTodo, Batch };

/** What is answered. */
const ANSWERS = {
  Todo,
  TodoList: z.array(Todo),
  TodoChange,
  ChangeFeed,
  BatchResults,
  Deleted: z.object({ message: z.string() }),
  Imported: z.object({
    created: z.int().min(0),
    skipped: z.int().min(0).describe('Those whose id you have a todo of already, deleted ones too'),
  }),
  Problem,
  BatchProblem,
};

/** The schemas of the contract, as the API itself parses and writes it. */
export function createSchemas() {
  return { ...toJsonSchemas('input', REQUESTS), ...toJsonSchemas('output', ANSWERS) };
}

/** Refers to a schema of the contract. */
export function schema(name: keyof typeof REQUESTS | keyof typeof ANSWERS): Reference {
  return refer('schemas', name);
}
