import type { ListToolsResult } from '@modelcontextprotocol/server';
import type { Tool } from '../../tools/tool.ts';
import { filterGranted } from '../granted-features.ts';
import type { McpServerOptions } from '../server-options.ts';

/** Answers `tools/list`. */
export async function listTools({ features, findGrantedScopes }: McpServerOptions): Promise<ListToolsResult> {
  const tools = await filterGranted(features.tools, findGrantedScopes);
  return { tools: tools.map(listTool) };
}

/** The listing of one tool. */
export function listTool({ name, title, description, annotations, inputSchema, outputSchema, meta }: Tool) {
  return {
    name,
    title,
    description,
    annotations: { title, ...annotations },
    inputSchema,
    outputSchema,
    ...(meta && { _meta: meta }),
  };
}
