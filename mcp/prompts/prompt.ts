import type { GetPromptResult } from '@modelcontextprotocol/sdk/types.js';
import type { Scope } from '../../shared/scopes.ts';
import type { FeatureContext } from '../feature-context.ts';

/** A prompt as data: its listing and the function that creates its messages. */
export type Prompt = {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  /** The scope that an access token needs to get it. */
  readonly scope: Scope;
  readonly arguments: readonly { readonly name: string; readonly description: string; readonly required: boolean }[];
  /** Creates the messages. Calls with missing or unknown arguments are rejected before. */
  readonly get: (
    args: Readonly<Record<string, string>>,
    context: FeatureContext,
  ) => Promise<GetPromptResult['messages']>;
  /** Proposes values for an argument that begin with `value`. */
  readonly complete?: (argument: string, value: string) => string[];
};
