import type { CallToolResult } from '@modelcontextprotocol/sdk/types.js';
import type { Tool } from '../mcp/tools/tool.ts';

/**
 * The tools that scenarios of `@modelcontextprotocol/conformance` call by name. They are written out, and not made by
 * `defineTool`: what a tool of ours never returns must pass through the server as well.
 */
export const conformanceTools: readonly Tool[] = [
  tool('test_simple_text', [{ type: 'text', text: 'This is a simple text response for testing.' }]),
  tool('test_image_content', [image()]),
  tool('test_audio_content', [{ type: 'audio', data: emptyWav(), mimeType: 'audio/wav' }]),
  tool('test_embedded_resource', [
    {
      type: 'resource',
      resource: {
        uri: 'test://embedded-resource',
        mimeType: 'text/plain',
        text: 'This is an embedded resource content.',
      },
    },
  ]),
  tool('test_multiple_content_types', [
    { type: 'text', text: 'Multiple content types test:' },
    image(),
    {
      type: 'resource',
      resource: {
        uri: 'test://mixed-content-resource',
        mimeType: 'application/json',
        text: JSON.stringify({ test: 'data', value: 123 }),
      },
    },
  ]),
  {
    ...tool('test_error_handling', []),
    async call() {
      throw new Error('This tool intentionally returns an error for testing');
    },
  },
  {
    ...tool('json_schema_2020_12_tool', [{ type: 'text', text: 'The schema is what is tested.' }]),
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: {
        address: { type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } },
      },
      properties: { name: { type: 'string' }, address: { $ref: '#/$defs/address' } },
      additionalProperties: false,
    },
  },
];

function tool(name: string, content: CallToolResult['content']): Tool {
  return {
    name,
    title: name,
    description: 'For a scenario of the conformance suite.',
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    scope: 'todos:read',
    inputSchema: { type: 'object' },
    outputSchema: { type: 'object' },
    call: async () => ({ content, structuredContent: {} }),
  };
}

/** A red pixel. */
function image(): CallToolResult['content'][number] {
  const data = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==';
  return { type: 'image', data, mimeType: 'image/png' };
}

/** A header and no samples. */
function emptyWav(): string {
  return 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=';
}
