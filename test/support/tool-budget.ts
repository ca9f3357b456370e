import { listTool } from '../../mcp/protocol/handlers/list-tools.ts';
import type { Tool } from '../../mcp/tools/tool.ts';

/** The most bytes of one tool in `tools/list`. A model reads the whole list in every conversation. */
export const MAX_TOOL_BYTES = 1_600;

/** Tools that may be larger, and why. */
export const LARGER_TOOLS: Readonly<Record<string, { readonly maxBytes: number; readonly reason: string }>> = {
  list_todos: {
    maxBytes: 2_100,
    reason: 'its input has every filter and the page, its output every field of a todo',
  },
  update_todo: {
    maxBytes: 1_750,
    reason: 'null has a meaning for most of its fields, and each says so',
  },
  batch_todos: {
    maxBytes: 2_300,
    reason: 'its input has every field of a todo beside those of an operation',
  },
};

/** The bytes of a tool in `tools/list`. */
export function measureTool(tool: Tool): number {
  return Buffer.byteLength(JSON.stringify(listTool(tool)));
}

/** Describes each tool that has more bytes than it may have, the largest first. */
export function findOversizedTools(tools: readonly Tool[]): string[] {
  return tools
    .map((tool) => ({ name: tool.name, bytes: measureTool(tool), max: findLimit(tool) }))
    .filter(({ bytes, max }) => bytes > max)
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ name, bytes, max }) => `${name} has ${bytes} bytes, ${bytes - max} more than its ${max}`);
}

function findLimit({ name }: Tool): number {
  return LARGER_TOOLS[name]?.maxBytes ?? MAX_TOOL_BYTES;
}
