import type { CallToolResult, InputRequiredResult, ToolAnnotations } from '@modelcontextprotocol/server';
import type * as z from 'zod';
import { fieldProblems } from '../../shared/http/parse-request.ts';
import type { Scope } from '../../shared/scopes.ts';
import { describeInvalidArguments } from '../failure.ts';
import type { FeatureContext } from '../feature-context.ts';
import { createErrorResult } from './error-result.ts';
import { createInputSchema, createOutputSchema, type JsonSchema } from './json-schema.ts';
import { tolerateArguments } from './tolerate-arguments.ts';

/** A tool as data: its listing, the scope that it needs, and the function that runs it. */
export type Tool = {
  readonly name: string;
  readonly title: string;
  /** What it does and when not to use it: a model chooses by this text. */
  readonly description: string;
  readonly annotations: Required<Omit<ToolAnnotations, 'title'>>;
  /** The scope that an access token needs to call the tool. */
  readonly scope: Scope;
  readonly inputSchema: JsonSchema;
  readonly outputSchema: JsonSchema;
  /** Arguments that are valid; the tests call every tool with them. */
  readonly example: Readonly<Record<string, unknown>>;
  /** Whether it calls `reportProgress`. A call of any other tool is answered without a stream. */
  readonly reportsProgress?: true;
  /** The `_meta` of its listing, such as the View that shows its result. */
  readonly meta?: Readonly<Record<string, unknown>>;
  /**
   * Runs the tool with arguments as hosts send them. Arguments that are not valid give an error result; other failures throw.
   * The result names the arguments that were ignored.
   */
  readonly call: (args: unknown, context: FeatureContext) => Promise<CallToolResult | InputRequiredResult>;
};

/**
 * Defines a tool by the schemas of its input and output and the function `run`. `describe` writes a short text that says
 * the same as the structured output, because some hosts show a model only the text.
 */
export function defineTool<Input extends z.ZodType, Output extends z.ZodObject>({
  input,
  output,
  run,
  describe,
  ...listing
}: Pick<Tool, 'name' | 'title' | 'description' | 'annotations' | 'scope' | 'example' | 'meta' | 'reportsProgress'> & {
  input: Input;
  output: Output;
  run: (input: z.infer<Input>, context: FeatureContext) => Promise<z.infer<Output>>;
  describe: (output: z.infer<Output>) => string;
}): Tool {
  const inputSchema = createInputSchema(input);
  return {
    ...listing,
    inputSchema,
    outputSchema: createOutputSchema(output),
    async call(given, context) {
      const { args, ignored, misnamed } = tolerateArguments(given ?? {}, inputSchema);
      const parsed = input.safeParse(args);
      if (!parsed.success || misnamed.length > 0) {
        const invalid = parsed.success ? [] : fieldProblems(parsed.error, 'arguments');
        const errors = [...misnamed.slice(0, MAX_NAMES), ...invalid].map(hideUntrustedName);
        return createErrorResult(describeInvalidArguments(listing.name, errors));
      }
      const result = await run(parsed.data, context);
      const text = `${describe(result)}${describeIgnored(listing.name, ignored)}`;
      return { content: [{ type: 'text', text }], structuredContent: result };
    },
  };
}

/** The names of fields that a text may repeat. Any other may be an untrusted sentence that a model took for a name. */
const FIELD_NAME = /^[\w.]{1,60}$/;

function hideUntrustedName({ field, expected }: { field: string; expected: string }) {
  return { field: FIELD_NAME.test(field) ? field : 'an argument', expected };
}

/** The most names of arguments that a result repeats. */
const MAX_NAMES = 20;

function describeIgnored(tool: string, ignored: readonly string[]): string {
  if (ignored.length === 0) return '';
  const names = ignored.slice(0, MAX_NAMES).map((name) => (FIELD_NAME.test(name) ? name : 'an argument'));
  return `\nIgnored, because ${tool} has no such argument: ${[...new Set(names)].join(', ')}.`;
}
