import type { CallToolResult, ToolAnnotations } from '@modelcontextprotocol/sdk/types.js';
import * as z from 'zod';
import { fieldProblems } from '../../shared/http/parse-request.ts';
import type { Scope } from '../../shared/scopes.ts';
import type { Todo } from '../../shared/todo.ts';
import type { TodoApi } from '../todo-api/todo-api.ts';
import { toolError } from './tool-error.ts';

/** What a tool works with: the todos of whoever called it, and a signal that he no longer waits. */
export type ToolContext = { readonly todos: TodoApi; readonly signal: AbortSignal };

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
  readonly call: (args: unknown, context: ToolContext) => Promise<CallToolResult>;
};

type JsonSchema = { readonly type: 'object'; readonly [keyword: string]: unknown };

/** Defines a tool by its schemas, what it does, and one short text that says the same as its structured result. */
export function defineTool<Input extends z.ZodObject, Output extends z.ZodObject>({
  input,
  output,
  run,
  describe,
  ...told
}: Pick<Tool, 'name' | 'title' | 'description' | 'annotations' | 'scope'> & {
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
          ({ field, expected }) => `${field}: expected ${expected}.`,
        );
        return toolError(`The arguments of ${told.name} are not valid. ${problems.join(' ')} Nothing was done.`);
      }
      const result = await run(parsed.data, context);
      return { content: [{ type: 'text', text: describe(result) }], structuredContent: result };
    },
  };
}

/** A todo in a line: whether it is done, its title, and the id that the next call needs. */
export function describeTodo({ id, title, completed }: Todo): string {
  return `[${completed ? 'x' : ' '}] ${title} (id: ${id})`;
}

function jsonSchema(schema: z.ZodObject, io: 'input' | 'output'): JsonSchema {
  const generated = z.toJSONSchema(schema, {
    io,
    override({ jsonSchema }) {
      // a model pays for every byte: the format says what the pattern says
      if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
      // a client that kept this schema goes on when a result has a new field
      if (io === 'output') delete jsonSchema.additionalProperties;
    },
  });
  return { ...generated, type: 'object' };
}
