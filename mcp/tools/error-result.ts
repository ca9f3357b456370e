import type { CallToolResult } from '@modelcontextprotocol/server';
import type { Failure } from '../failure.ts';
import { ERROR_META_KEY } from '../meta-keys.ts';

/**
 * Creates the error result of a tool call. The reason is in `_meta` and not in `structuredContent`: clients validate
 * structured content by the output schema of the tool, also in an error result.
 */
export function createErrorResult({ text, reason }: Failure): CallToolResult {
  return { isError: true, content: [{ type: 'text', text }], _meta: { [ERROR_META_KEY]: reason } };
}
