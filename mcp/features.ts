import { prompts } from './prompts/index.ts';
import type { Prompt } from './prompts/prompt.ts';
import { resources } from './resources/index.ts';
import type { Resource } from './resources/resource.ts';
import { tools } from './tools/index.ts';
import type { Tool } from './tools/tool.ts';

/** What an MCP server offers: the server features of the specification. */
export type ServerFeatures = {
  readonly tools: readonly Tool[];
  readonly resources: readonly Resource[];
  readonly prompts: readonly Prompt[];
};

/** What yata offers. */
export const FEATURES: ServerFeatures = { tools, resources, prompts };

/** What is left of `features` for who may only read: this takes away, and nothing is added by it. */
export function readOnly({ tools, ...others }: ServerFeatures): ServerFeatures {
  return { ...others, tools: tools.filter(({ annotations }) => annotations.readOnlyHint) };
}

/** The scope that a request needs: that of the tool it calls, of the resource it reads, of the prompt it gets. */
export function scopeOf(
  { tools, resources, prompts }: ServerFeatures,
  { method, params = {} }: { method?: string | undefined; params?: Readonly<Record<string, unknown>> | undefined },
): string | undefined {
  switch (method) {
    case 'tools/call':
      return tools.find(({ name }) => name === params.name)?.scope;
    case 'resources/read':
      return resources.find(({ matches }) => matches(String(params.uri)))?.scope;
    case 'prompts/get':
      return prompts.find(({ name }) => name === params.name)?.scope;
    case 'completion/complete':
      // what is proposed are todos
      return 'todos:read';
    default:
      return undefined;
  }
}
