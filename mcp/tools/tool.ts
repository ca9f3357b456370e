import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { fieldProblems } from '../../shared/http/parse-request.ts';
import type { Scope } from '../../shared/scopes.ts';
import type { TodoApi } from '../todo-api/todo-api.ts';
import { toolError } from './tool-error.ts';

/** What a tool works with: the todos of whoever called it, and a signal that he no longer waits. */
export type ToolContext = {
  readonly todos: TodoApi;
  readonly signal: AbortSignal;
  /** Tells how far it is, when the caller wants to know. */
  readonly progress?: (done: number, total: number, message: string) => Promise<void>;
};

/** What is told of a tool before it is called, and what calls it. */
export type Tool = {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly annotations: Required<Omit<ToolAnnotations, 'title'>>;
  /** The scope that an access token must have been granted to call it. */
  readonly scope: Scope;
  /** JSON Schema 2020-12 of the arguments and of the structured result. */
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  /** What a host is told beyond the protocol, such as the page that shows the result. */
  readonly meta?: Readonly<Record<string, unknown>>;
  readonly call: (args: unknown, context: ToolContext) => Promise<CallToolResult>;
};

type JsonSchema = { readonly type: 'object'; readonly [keyword: string]: unknown };

/** Defines a tool by its schemas, what it does, and one short text that says the same as its structured result. */
export function defineTool<Input extends z.ZodType, Output extends z.ZodObject>({
  input,
  output,
  run,
  describe,
  ...told
}: Pick<Tool, 'name' | 'title' | 'description' | 'annotations' | 'scope' | 'meta'> & {
  input: Input;
  output: Output;
  run: (input: z.infer<Input>, context: ToolContext) => Promise<z.infer<Output>>;
  describe: (output: z.infer<Output>) => string;
}): Tool {
  return {
    ...told,
    inputSchema: jsonSchema(input, 'input'),
    outputSchema: jsonSchema(output, 'output'),
    async call(args, context) {
      const parsed = input.safeParse(args ?? {});
      if (!parsed.success) {
        const problems = fieldProblems(parsed.error, 'arguments').map(
          ({ field, expected }) => `${FIELD.test(field) ? field : 'an argument'}: expected ${expected}.`,
        );
        return toolError(`The arguments of ${told.name} are not valid. ${problems.join(' ')} Nothing was done.`);
      }
      const result = await run(parsed.data, context);
      return { content: [{ type: 'text', text: describe(result) }], structuredContent: result };
    },
  };
}

/** The name of a field that is told again. Another may be a stranger's sentence that a model took for a name. */
const FIELD = /^[\w.]{1,60}$/;

/** The largest integer of a PostgreSQL column: no version comes near it. */
const MAX_INTEGER = 2_147_483_647;

/** A schema as a model is told it: it pays for every byte, so what says nothing to it is left out. */
function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const generated = z.toJSONSchema(schema, {
    io,
    override({ jsonSchema }) {
      // the format says what the pattern says
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
      // a client that kept this schema goes on when a result has a new field
      if (io === 'output') delete jsonSchema.additionalProperties;
      const [only, nothing] = jsonSchema.anyOf ?? [];
      if (typeof only?.type === 'string' && nothing?.type === 'null') {
        Object.assign(jsonSchema, only, { type: [only.type, 'null'] });
        delete jsonSchema.anyOf;
      }
      // what is not given is nothing, unless it is said to be something
      if (jsonSchema.default === null || Object(jsonSchema.default).length === 0) delete jsonSchema.default;
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER || jsonSchema.maximum === MAX_INTEGER)
        delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
    },
  });
  // without it, it is of the same draft (MCP 2025-11-25, JSON Schema Usage)
  delete generated.$schema;
  return { ...generated, type: 'object' };
}
