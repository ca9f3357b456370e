import type { GetPromptResult, InputRequiredResult } from '@modelcontextprotocol/server';
import type * as z from 'zod';
import type { Scope } from '../../shared/scopes.ts';
import type { FeatureContext } from '../feature-context.ts';

/** An argument of a prompt. Its value is a text, because prompts have no other type (MCP 2025-11-25, Prompts). */
export type PromptArgument = {
  readonly name: string;
  readonly description: string;
  readonly required: boolean;
  /** What the text must be; without it, any text. */
  readonly schema?: z.ZodType<string>;
  /** Proposes values for what the user has typed. */
  readonly complete?: (value: string) => string[];
};

/** A prompt as data: its listing and the function that creates its messages. */
export type Prompt = {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The scope that an access token needs to get it. */
  readonly scope: Scope;
  readonly arguments: readonly PromptArgument[];
  /** Creates the messages. Calls with missing, unknown or wrong arguments are rejected before. */
  readonly get: (
    args: Readonly<Record<string, string>>,
    context: FeatureContext,
  ) => Promise<GetPromptResult['messages'] | InputRequiredResult>;
};
