import type { ListPromptsResult } from '@modelcontextprotocol/server';
import { filterGranted } from '../granted-features.ts';
import type { McpServerOptions } from '../server-options.ts';

/** Answers `prompts/list`. */
export async function listPrompts({ features, findGrantedScopes }: McpServerOptions): Promise<ListPromptsResult> {
  const prompts = await filterGranted(features.prompts, findGrantedScopes);
  return {
    prompts: prompts.map(({ name, title, description, arguments: args }) => ({
      name,
      title,
      description,
      arguments: args.map(({ name, description, required }) => ({ name, description, required })),
    })),
  };
}
