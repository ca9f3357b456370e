import type { GetPromptResult } from '@modelcontextprotocol/sdk/types.js';
import type { Scope } from '../../shared/scopes.ts';
import type { ToolContext } from '../tools/tool.ts';

/** What is told of a prompt before it is chosen, and what makes its messages. */
export type Prompt = {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly scope: Scope;
  readonly arguments: readonly { readonly name: string; readonly description: string; readonly required: boolean }[];
  /** Arguments that are missing or unknown are refused before. */
  readonly get: (args: Readonly<Record<string, string>>, context: ToolContext) => Promise<GetPromptResult['messages']>;
  /** Values for an argument that begin as `value` does. */
  readonly complete?: (argument: string, value: string) => string[];
};
